export { evolve, type SchemaChange } from './evolve.ts';
export { compileExpression } from './expression.ts';
export { generateTypes } from './generate-types.ts';
export type { SdlFile } from './parse-sdl.ts';
export { compileResidency, longestResidency, type Residence, residencyText } from './residency.ts';
export { parseSdl, parseSdlFiles } from './sdl.ts';
export * from './types.ts';
