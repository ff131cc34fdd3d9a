// Rows of a benchmark → a table on the terminal and bench/results/<name>.json.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from './figures.ts';
import type { Machine } from './machine.ts';

export const resultsFolder = join(import.meta.dirname, 'results');

export interface Report {
  readonly machine: Machine;
  /** Short id, with "+" when files differ from it. */
  readonly commit: string;
  readonly date: string;
  readonly rows: readonly Row[];
  /** Parts that could not be measured, and why. */
  readonly failures?: readonly string[];
}

export async function currentCommit(): Promise<string> {
  const git = async (...words: string[]) => {
    const child = Bun.spawn(['git', ...words], { cwd: import.meta.dirname, stdout: 'pipe', stderr: 'ignore' });
    return (await child.stdout.text()).trim();
  };
  const id = await git('rev-parse', '--short=12', 'HEAD');
  return id === '' ? 'unknown' : `${id}${(await git('status', '--porcelain', '--untracked-files=no')) ? '+' : ''}`;
}

/** Returns the path of the file. */
export async function writeResult(
  name: string,
  extension: 'json' | 'svg' | 'md' | 'html',
  content: string,
): Promise<string> {
  mkdirSync(resultsFolder, { recursive: true });
  const path = join(resultsFolder, `${name}.${extension}`);
  await Bun.write(path, content);
  return path;
}

export function reportText(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** A file that `reportText` made; undefined when it is another. */
export function parseReport(text: string): Report | undefined {
  try {
    const value = JSON.parse(text) as Partial<Report>;
    return value.machine && value.date && Array.isArray(value.rows) ? (value as Report) : undefined;
  } catch {
    return undefined;
  }
}

export function machineText(machine: Machine): string {
  const { cpu, cores, memoryGiB, virtual, os, bun, disk, fdatasyncMs, loadBefore } = machine;
  return [
    `${cpu}${virtual ? ' (virtual machine)' : ''}, ${cores} cores, ${memoryGiB} GiB · ${os} · Bun ${bun}`,
    `disk: ${disk}; fdatasync ${fdatasyncMs} ms`,
    ...(loadBefore > 0.5
      ? [`The machine was busy before this began (load ${loadBefore}): expect disturbed figures.`]
      : []),
  ].join('\n');
}

const headings = ['what', 'median', 'min – max', 'rival', 'ratio', 'target', ''];

export function rowsText(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${shown(row.value)} ${row.unit}`,
    `${shown(row.min)} – ${shown(row.max)}`,
    row.rival === undefined ? '' : `${shown(row.rivalValue ?? Number.NaN)} ${row.rival}`,
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} ×`,
    row.target ?? '',
    row.met === undefined ? '' : row.met ? 'met' : 'MISSED',
  ]);
  const lines = [headings, ...cells];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const text = (line: readonly string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const notes = rows.flatMap(({ name, note }) => (note === undefined ? [] : [`  ${name}: ${note}`]));
  return [text(headings), rule, ...cells.map(text), ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 12 : 4 });
}
