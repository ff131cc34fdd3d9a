// Reads schema texts. The parser is loaded with the first of them: threads that know tables by their definitions start without it.

import { lazily } from '../base/index.ts';
import type * as Parser from './parse-sdl.ts';

const parser = lazily((): typeof Parser => require('./parse-sdl.ts'));

/** As that of parse-sdl.ts. */
export const parseSdl: typeof Parser.parseSdl = (...given) => parser().parseSdl(...given);
/** As that of parse-sdl.ts. */
export const parseSdlFiles: typeof Parser.parseSdlFiles = (...given) => parser().parseSdlFiles(...given);
