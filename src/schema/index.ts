export { compileExpression } from './expression.ts';
export { parseSdl, parseSdlFiles, type SdlFile } from './parse-sdl.ts';
export * from './types.ts';
