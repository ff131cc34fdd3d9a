// `zerohop.yaml` → the settings it makes, each with the place where it is made. Knows which names exist, not what they may be.

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { nearest, ZerohopError } from '../base/index.ts';
import { namedKeys } from './keys.ts';

export interface Setting {
  readonly value: unknown;
  /** The value as JSON, for messages. */
  readonly text: string;
  readonly file: string;
  /** 'zerohop.yaml:3'. */
  readonly place: string;
}

/** Largest configuration file, in bytes. */
const fileBytes = 1024 * 1024;

const paths = namedKeys.map((named) => named.path);

/** Settings by key path. A missing file that nobody asked for makes none. Throws INVALID_CONFIG. */
export function readSettingsFile(file: string, mustExist: boolean): ReadonlyMap<string, Setting> {
  const text = readText(file, mustExist);
  return text === undefined ? new Map() : parseSettings(text, file);
}

function readText(file: string, mustExist: boolean): string | undefined {
  try {
    if (statSync(file).size > fileBytes) throw invalid(`${file} is larger than ${fileBytes} bytes.`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ZerohopError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT' && !mustExist) return undefined;
    const reason = code === 'ENOENT' ? 'it does not exist' : code === 'EISDIR' ? 'it is a folder' : code;
    throw invalid(`The configuration file ${file} can not be read: ${reason}.`);
  }
}

export function parseSettings(text: string, file: string): ReadonlyMap<string, Setting> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent', prettyErrors: false });
  const reader = new SettingsReader(document, file, (offset) => `${basename(file)}:${lines.linePos(offset).line}`);
  const [problem] = document.errors;
  if (problem) throw reader.invalid(problem.pos[0], `not valid YAML: ${problem.message}`);
  if (document.contents !== null) reader.readGroup(document.contents, '');
  return reader.settings;
}

class SettingsReader {
  readonly settings = new Map<string, Setting>();
  readonly #document: Document;
  readonly #file: string;
  readonly #placeOf: (offset: number) => string;

  constructor(document: Document, file: string, placeOf: (offset: number) => string) {
    this.#document = document;
    this.#file = file;
    this.#placeOf = placeOf;
  }

  /** @param prefix '' for the whole file, 'http.' for what stands under `http`. */
  readGroup(node: Node, prefix: string): void {
    if (isScalar(node) && node.value === null) return;
    const offset = node.range?.[0] ?? 0;
    const group = prefix === '' ? 'the file' : prefix.slice(0, -1);
    if (!isMap<Node, Node | null>(node)) throw this.invalid(offset, `${group} must hold keys and values.`);
    for (const { key, value } of node.items) {
      const at = key.range?.[0] ?? offset;
      const path = `${prefix}${isScalar(key) ? String(key.value) : '?'}`;
      if (paths.includes(path)) this.#add(path, at, value);
      else if (paths.some((known) => known.startsWith(`${path}.`))) {
        if (value !== null) this.readGroup(value, `${path}.`);
      } else throw this.invalid(at, unknownKey(path, prefix));
    }
  }

  #add(path: string, offset: number, node: Node | null): void {
    try {
      const value: unknown = node === null ? null : node.toJS(this.#document, { maxAliasCount: 10 });
      // A value that refers to itself has no JSON.
      const text = JSON.stringify(value);
      this.settings.set(path, { value, text, file: this.#file, place: this.#placeOf(offset) });
    } catch {
      throw this.invalid(offset, `the value of ${path} refers to an anchor that can not be resolved.`);
    }
  }

  invalid(offset: number, message: string): ZerohopError {
    return invalid(`${this.#placeOf(offset)}: ${message}`);
  }
}

function unknownKey(path: string, prefix: string): string {
  const groups = paths.flatMap((known) => (known.includes('.') ? [known.slice(0, known.indexOf('.'))] : []));
  const meant = nearest(path, new Set([...paths, ...groups]));
  const named = `unknown key ${JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path)}.`;
  if (meant) return `${named} Did you mean "${meant}"?`;
  const allowed = new Set(
    paths.filter((known) => known.startsWith(prefix)).map((known) => known.slice(prefix.length).split('.')[0]),
  );
  return `${named} Allowed here: ${[...allowed].join(', ')}.`;
}

function invalid(message: string): ZerohopError {
  return new ZerohopError('INVALID_CONFIG', message.replace(/\s+/g, ' '));
}
