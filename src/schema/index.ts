export { evolve, type SchemaChange } from './evolve.ts';
export { compileExpression } from './expression.ts';
export { generateTypes } from './generate-types.ts';
export { parseSdl, parseSdlFiles, type SdlFile } from './parse-sdl.ts';
export * from './types.ts';
