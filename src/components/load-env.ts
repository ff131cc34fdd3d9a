// `loadEnv` and `env`: variables for process.env. What the environment has already wins unless `override` says otherwise.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { ZerohopError } from '../base/index.ts';
import { booleanOption, isOptions, type Options } from './app-config.ts';
import { filePatterns, findFiles } from './app-files.ts';

/** @param environment what is added to: process.env */
export function loadEnv(options: Options, folder: string, environment: Record<string, string | undefined>): void {
  const override = booleanOption(options, 'override', false, 'loadEnv');
  for (const file of findFiles(folder, filePatterns(options, 'loadEnv', folder))) {
    for (const [name, value] of Object.entries(parseEnv(readFileSync(join(folder, file), 'utf8')))) {
      if (override || environment[name] === undefined) environment[name] = value;
    }
  }
}

/** `env:` in config.yaml: `NAME: value`, or `NAME: { required: true, description }`. */
export function applyEnv(options: Options, environment: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(options)) {
    if (isOptions(value)) {
      if (value.required === true && environment[name] === undefined) {
        const why = typeof value.description === 'string' ? ` (${value.description})` : '';
        throw new ZerohopError(
          'INVALID_CONFIG',
          `The environment variable ${name}${why} must be set: config.yaml says it is required.`,
        );
      }
    } else environment[name] ??= String(value);
  }
}
