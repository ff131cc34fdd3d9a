// The map of the house and the test that it holds: which folder of src/ may import from which. Imports go down only, a folder
// is entered through its index.ts, and no files import each other in a ring; imports of types count. Run by `npm run check`;
// prints each import that breaks a rule.

import { dirname, join, normalize, resolve } from 'node:path';
import { Glob } from 'bun';

/** From the roof to the ground. Folders on one line do not import each other. */
const floors: readonly (readonly string[])[] = [
  ['cli'],
  ['testing'],
  ['runtime'],
  ['components'],
  [
    'protocols/rest',
    'protocols/operations',
    'protocols/sse',
    'protocols/websocket',
    'protocols/mqtt',
    'protocols/graphql',
    'protocols/mcp',
  ],
  ['protocols/http'],
  ['pages'],
  ['cluster'],
  ['cache', 'sql'],
  ['resources'],
  ['net', 'replication'],
  ['security', 'telemetry', 'deployments'],
  ['tables'],
  ['feed', 'query', 'backup'],
  ['store'],
  ['records'],
  ['storage'],
  ['schema'],
  ['config', 'semantics'],
  ['base'],
];

const floorOf = new Map(floors.flatMap((names, floor) => names.map((name) => [name, floor] as const)));

if (import.meta.main) {
  const src = resolve(import.meta.dirname, '../src');
  const paths = [...new Glob('**/*.ts').scanSync(src)].sort();
  const files = new Map(
    await Promise.all(paths.map(async (path) => [path, await Bun.file(join(src, path)).text()] as const)),
  );
  const wrong = wrongImports(files);
  for (const line of wrong) console.error(line);
  console.log(wrong.length === 0 ? 'layers: imports go down only' : `layers: ${wrong.length} wrong imports`);
  process.exit(wrong.length === 0 ? 0 : 1);
}

/** One line for each import that breaks a rule. `files`: text by path within src/. */
export function wrongImports(files: ReadonlyMap<string, string>): string[] {
  const wrong: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of files) {
    if (floorOf.get(folderOf(path)) === undefined) {
      wrong.push(`src/${path}: the folder ${folderOf(path)} is not on the map in tools/layers.ts`);
      continue;
    }
    const specifiers = importsOf(text);
    wrong.push(...specifiers.flatMap((specifier) => problemOf(path, specifier) ?? []));
    graph.set(
      path,
      specifiers.filter((specifier) => specifier.startsWith('.')).map((specifier) => targetOf(path, specifier)),
    );
  }
  return [...wrong, ...ringsOf(graph).map((ring) => `src/${ring[0]}: imports itself in a ring: ${ring.join(' → ')}`)];
}

function problemOf(path: string, specifier: string): string | undefined {
  const from = folderOf(path);
  const isTest = path.endsWith('.test.ts');
  if (!specifier.startsWith('.')) {
    const isBreach = specifier === 'bun:sqlite' && from !== 'storage' && !isTest;
    return isBreach ? `src/${path}: only storage imports bun:sqlite` : undefined;
  }
  const target = targetOf(path, specifier);
  const to = folderOf(target);
  // Beside src/ lies package.json; nothing else out there is for the runtime.
  if (to === from || target === '../package.json') return undefined;
  const floor = floorOf.get(from) ?? 0;
  const below = floorOf.get(to);
  if (below === undefined || below <= floor) return `src/${path}: ${from} may not import from ${to}`;
  if (!target.endsWith('/index.ts') && !isTest)
    return `src/${path}: enter ${to} through its index.ts, not ${specifier}`;
  return undefined;
}

/** What a text imports or exports from, types included (which the transpiler leaves out). */
export function importsOf(text: string): string[] {
  const seen = new Set(new Bun.Transpiler({ loader: 'ts' }).scanImports(text).map(({ path }) => path));
  const statements =
    /^[ \t]*(?:import|export)\b[^;'"`=()]*?\bfrom\s*['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/gm;
  for (const [, named, queried] of text.matchAll(statements)) seen.add(named ?? queried ?? '');
  return [...seen];
}

/** Rings of files, each as the files along it, the first named again at the end. */
function ringsOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const rings: string[][] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) rings.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return rings;
}

/** The imported path within src/; `..` when outside. */
function targetOf(path: string, specifier: string): string {
  return normalize(join(dirname(path), specifier));
}

function folderOf(path: string): string {
  const parts = path.split('/');
  if (parts.length === 1) return 'testing';
  return parts[0] === 'protocols' ? `protocols/${parts[1]}` : (parts[0] ?? '');
}
