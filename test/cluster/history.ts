// What clients did and were told, and a checker that knows nothing of how the cluster works: what was acknowledged must be there, what was
// never tried must not.

import { until } from '../support/until.ts';

export type Kind = 'register' | 'set' | 'counter';

interface Attempt {
  readonly kind: Kind;
  /** The record. */
  readonly place: string;
  readonly key: string;
  /** False: nobody knows whether it happened. */
  readonly isAcknowledged: boolean;
}

export class History {
  readonly attempts: Attempt[] = [];

  get acknowledged(): number {
    return this.attempts.filter(({ isAcknowledged }) => isAcknowledged).length;
  }

  async tried(kind: Kind, place: string, key: string, act: () => Promise<unknown>): Promise<void> {
    const isAcknowledged = await act().then(
      () => true,
      () => false,
    );
    this.attempts.push({ kind, place, key, isAcknowledged });
  }

  /** Resolves when this many were acknowledged. */
  reaches(acknowledged: number): Promise<void> {
    return until(`${acknowledged} writes are acknowledged`, () => this.acknowledged >= acknowledged);
  }
}

/** What does not fit, one line each. `records`: by id, as one member has them in the end. */
export function checkHistory(
  { attempts }: History,
  records: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): string[] {
  const of = (kind: Kind) => attempts.filter((attempt) => attempt.kind === kind);
  return [
    ...checkSet(of('set'), records),
    ...checkCounters(of('counter'), records),
    ...checkRegisters(of('register'), records),
  ];
}

type Records = Parameters<typeof checkHistory>[1];

function checkSet(attempts: readonly Attempt[], records: Records): string[] {
  return attempts
    .filter(({ place, isAcknowledged }) => isAcknowledged && !records.has(place))
    .map(({ place }) => `${place} was acknowledged and is lost`);
}

function checkCounters(attempts: readonly Attempt[], records: Records): string[] {
  return [...Map.groupBy(attempts, ({ place }) => place)].flatMap(([place, all]) => {
    const least = all.filter(({ isAcknowledged }) => isAcknowledged).length;
    const count = Number(records.get(place)?.count ?? 0);
    return count >= least && count <= all.length
      ? []
      : [`${place} counts ${count}; ${least} additions were acknowledged of ${all.length}`];
  });
}

/** Each writer writes its own attribute of a register with ever larger numbers: the last acknowledged or a later one must stand there. */
function checkRegisters(attempts: readonly Attempt[], records: Records): string[] {
  return [...Map.groupBy(attempts, ({ place, key }) => `${place} ${key.split('-')[0]}`)].flatMap(([name, all]) => {
    const [place = '', writer = ''] = name.split(' ');
    const rounds = all.map(({ key, isAcknowledged }) => ({ round: Number(key.split('-')[1]), isAcknowledged }));
    const least = Math.max(-1, ...rounds.flatMap(({ round, isAcknowledged }) => (isAcknowledged ? [round] : [])));
    const found = records.get(place)?.[`by_${writer}`];
    const isTried = found === undefined || rounds.some(({ round }) => round === found);
    return isTried && Number(found ?? -1) >= least
      ? []
      : [`${place} has ${found} of ${writer}; ${least} was acknowledged`];
  });
}
