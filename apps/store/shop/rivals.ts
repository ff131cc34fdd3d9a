// Where the same shop runs on another architecture, to be compared with. Known from the variable SHOP_RIVALS, such as
// `microservices=http://localhost:9928,monolith=http://localhost:9927`, or told in an address; there, only on this machine.

export type ArchitectureName = 'unified' | 'monolith' | 'microservices';

export interface Architecture {
  readonly title: string;
  /** What runs. */
  readonly processes: string;
  /** Calls over a socket to make each page, besides the visitor's own: as counted in traces by bench/shop/trace.ts. */
  readonly hops: Readonly<Record<'home' | 'listing' | 'product', number>>;
}

export const architectures: Readonly<Record<ArchitectureName, Architecture>> = {
  unified: { title: 'Unified', processes: 'one Zerohop process', hops: { home: 0, listing: 0, product: 0 } },
  monolith: {
    title: 'Monolith',
    processes: 'one Fastify process and PostgreSQL',
    hops: { home: 3, listing: 2, product: 5 },
  },
  microservices: {
    title: 'Microservices',
    processes: 'five Fastify processes and PostgreSQL',
    hops: { home: 11, listing: 7, product: 9 },
  },
};

export interface Rival {
  readonly name: ArchitectureName;
  /** 'http://localhost:9928' */
  readonly origin: string;
}

/** @param asked what an address says: its `rival` and `name` */
export function findRival(asked: { readonly rival: string | null; readonly name: string | null }): Rival | undefined {
  const [known] = knownRivals(process.env.SHOP_RIVALS ?? '');
  const origin = asked.rival === null ? undefined : originOf(asked.rival);
  if (origin === undefined || !isThisMachine(origin)) return known;
  const name = asked.name ?? 'microservices';
  return { origin, name: isArchitecture(name) ? name : 'microservices' };
}

export function knownRivals(text: string): readonly Rival[] {
  return text.split(',').flatMap((part) => {
    const [name = '', url = ''] = part.trim().split(/=(.*)/s);
    const origin = originOf(url);
    return origin !== undefined && isArchitecture(name) ? [{ name, origin }] : [];
  });
}

function originOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  return parsed?.protocol === 'http:' || parsed?.protocol === 'https:' ? parsed.origin : undefined;
}

/** A link must not bring just any site into one of the shop's pages. */
function isThisMachine(origin: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname);
}

function isArchitecture(name: string): name is ArchitectureName {
  return Object.hasOwn(architectures, name);
}
