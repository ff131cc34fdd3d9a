// What tables and attributes are: the schema language, its types for TypeScript, and how one schema becomes the next. Pure.

export { evolve, type SchemaChange } from './evolve.ts';
export { compileExpression } from './expression.ts';
export { generateTypes } from './generate-types.ts';
export type { SdlFile } from './parse-sdl.ts';
export { compileResidency, isOfRecord, longestResidency, type Residence, residencyText } from './residency.ts';
export { parseSdl, parseSdlFiles } from './sdl.ts';
export * from './types.ts';
