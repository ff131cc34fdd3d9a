// Who may do what, written out slowly and apart from the runtime: what a call must come to, by the role as it was given to the node.

export interface OracleTable {
  readonly read?: boolean;
  readonly insert?: boolean;
  readonly update?: boolean;
  readonly delete?: boolean;
  readonly attributes?: Readonly<
    Record<string, { readonly read?: boolean; readonly insert?: boolean; readonly update?: boolean }>
  >;
  readonly rows?: string;
}

export type OracleRole = Readonly<Record<'Item' | 'Maker', OracleTable | undefined>>;

export const publicRole: OracleRole = { Item: undefined, Maker: { read: true, attributes: { name: { read: true } } } };

export const itemAttributes = ['id', 'name', 'secret', 'owner', 'maker'] as const;

/** Undefined role: no credentials. */
export interface Asking {
  readonly username: string | undefined;
  readonly role: OracleRole | undefined;
}

type Action = 'read' | 'insert' | 'update' | 'delete';

export class Oracle {
  readonly #asking: Asking;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  /** The status of a refusal. */
  get no(): number {
    return this.#asking.username === undefined ? 401 : 403;
  }

  table(name: 'Item' | 'Maker'): OracleTable {
    return this.#asking.role?.[name] ?? publicRole[name] ?? {};
  }

  may(action: Action, name: 'Item' | 'Maker' = 'Item'): boolean {
    const table = this.table(name);
    if (table[action] !== true) return false;
    if (table.rows?.includes('$user') && this.#asking.username === undefined) return false;
    if (table.attributes === undefined || action === 'delete') return true;
    return Object.values(table.attributes).some((attribute) => attribute[action] === true);
  }

  mayAttribute(action: 'read' | 'insert' | 'update', attribute: string, name: 'Item' | 'Maker' = 'Item'): boolean {
    const { attributes } = this.table(name);
    return attribute === 'id' || attributes === undefined || attributes[attribute]?.[action] === true;
  }

  /** Whether the relationship Item.made can be followed to an attribute of Maker: 0 for yes, else the status. */
  following(attribute: string): number {
    if (!this.mayAttribute('read', 'made') || !this.mayAttribute('read', 'maker')) return 403;
    if (!this.may('read', 'Maker')) return this.no;
    if (this.table('Maker').rows !== undefined) return 403;
    return this.mayAttribute('read', attribute, 'Maker') ? 0 : 403;
  }

  /** Whether records of this owner are for them. */
  owns(owner: string): boolean {
    return this.table('Item').rows === undefined || owner === this.#asking.username;
  }

  visible(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(record).filter(([name]) => this.mayAttribute('read', name)));
  }
}
