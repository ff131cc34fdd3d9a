// What this runtime's node:sqlite has beyond the installed types.

declare module 'node:sqlite' {
  /** https://sqlite.org/c3ref/set_authorizer.html: asked for each thing a statement touches, while it is compiled. */
  type Authorizer = (
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
    /** The innermost view or common table expression on whose behalf it is touched. */
    accessor: string | null,
  ) => number;

  interface DatabaseSync {
    setAuthorizer(authorizer: Authorizer | null): void;
  }

  interface StatementSync {
    setReturnArrays(enabled: boolean): void;
    columns(): { readonly name: string }[];
  }

  interface DatabaseSyncOptions {
    readonly limits?: Readonly<Record<string, number>>;
  }
}

export {};
