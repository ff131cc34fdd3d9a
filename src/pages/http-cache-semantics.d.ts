declare module 'http-cache-semantics' {
  interface Message {
    readonly headers: Readonly<Record<string, string>>;
  }
  interface Options {
    readonly shared?: boolean;
  }
  export default class CachePolicy {
    constructor(
      request: Message & { readonly method?: string; readonly url?: string },
      response: Message & { readonly status?: number },
      options?: Options,
    );
    storable(): boolean;
  }
}
