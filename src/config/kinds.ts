// The kinds of values a configuration key may have: what is allowed, said in words, and how a text (a flag, a variable) or a
// YAML value becomes one. Pure.

/** `undefined` from a reader means: not allowed. */
export interface Kind<T> {
  /** Completes "must be …". */
  readonly allowed: string;
  /** A word for the value in `--help`: `--http-port <number>`. */
  readonly placeholder: string;
  fromText(text: string): T | undefined;
  fromValue(value: unknown): T | undefined;
}

export function wholeNumber(min: number, max: number, note = ''): Kind<number> {
  const check = (value: number) => (Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined);
  return {
    allowed: `a whole number from ${min} to ${max}${note}`,
    placeholder: 'number',
    fromText: (text) => (/^-?\d{1,16}$/.test(text) ? check(Number(text)) : undefined),
    fromValue: (value) => (typeof value === 'number' ? check(value) : undefined),
  };
}

/** A TCP port. */
export const port: Kind<number> = wholeNumber(0, 65_535, ' (0: any free port)');

/** 0 means without limit nowhere: every limit is at least 1 and fits a double exactly. */
export const amount: Kind<number> = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** A part of all, from none to everything. */
export const ratio: Kind<number> = {
  allowed: 'a number from 0 to 1',
  placeholder: 'number',
  fromText: (text) => (/^(0|1|0?\.\d{1,9}|1\.0{1,9})$/.test(text) ? Number(text) : undefined),
  fromValue: (value) => (typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined),
};

/** The address of a server, or nothing. */
export const urlOrNone: Kind<string> = {
  allowed: 'an address such as http://localhost:4318',
  placeholder: 'url',
  fromText: (text) => (isUrlOrNone(text) ? text : undefined),
  fromValue: (value) => (typeof value === 'string' && isUrlOrNone(value) ? value : undefined),
};

const isUrlOrNone = (text: string): boolean =>
  text === '' || (text.length <= 1000 && /^https?:\/\//.test(text) && URL.canParse(text));

export const threadCount: Kind<number | 'auto'> = {
  allowed: '"auto" or a whole number from 0 to 64 (0: everything in one thread)',
  placeholder: 'number',
  fromText: (text) => (text === 'auto' ? 'auto' : wholeNumber(0, 64).fromText(text)),
  fromValue: (value) => (value === 'auto' ? 'auto' : wholeNumber(0, 64).fromValue(value)),
};

export const yesOrNo: Kind<boolean> = {
  allowed: 'true or false',
  placeholder: 'true|false',
  fromText: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  fromValue: (value) => (typeof value === 'boolean' ? value : undefined),
};

export function oneOf<const T extends string>(placeholder: string, choices: readonly T[]): Kind<T> {
  const find = (value: unknown) => choices.find((choice) => choice === value);
  return {
    allowed: `one of ${choices.join(', ')}`,
    placeholder,
    fromText: find,
    fromValue: find,
  };
}

/** Any text of one line. */
export const text: Kind<string> = {
  allowed: 'text of 1000 characters at most, in one line',
  placeholder: 'text',
  fromText: (given) => (isLine(given) ? given : undefined),
  fromValue: (value) => (typeof value === 'string' && isLine(value) ? value : undefined),
};

/** An address or name to listen on. */
export const host: Kind<string> = {
  allowed: 'a host name or an IP address',
  placeholder: 'host',
  fromText: (text) => (isHost(text) ? text : undefined),
  fromValue: (value) => (typeof value === 'string' && isHost(value) ? value : undefined),
};

/** A folder; made absolute by the loader. */
export const folder: Kind<string> = {
  allowed: 'the path of a folder',
  placeholder: 'folder',
  fromText: (text) => (isPath(text) ? text : undefined),
  fromValue: (value) => (typeof value === 'string' && isPath(value) ? value : undefined),
};

/** Origins of browsers' pages; `*` stands for all. As text: separated by commas. */
export const origins: Kind<readonly string[]> = {
  allowed: 'a list of origins such as https://example.com, or "*" for all',
  placeholder: 'origin,…',
  fromText: (text) => {
    const list = text.split(',').flatMap((part) => part.trim() || []);
    return list.every(isOrigin) ? list : undefined;
  },
  fromValue: (value) => {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.every(isOrigin) ? list : undefined;
  },
};

const isLine = (line: string): boolean => /^[^\p{C}]{0,1000}$/u.test(line);

const isHost = (text: string): boolean => /^[\p{L}\p{N}_.:%[\]-]{1,255}$/u.test(text);

const isPath = (text: string): boolean => text.length > 0 && text.length <= 4096 && !text.includes('\0');

function isOrigin(value: unknown): value is string {
  if (value === '*') return true;
  return typeof value === 'string' && /^https?:\/\//.test(value) && URL.parse(value)?.origin === value;
}
