export { applyDelete, applyPatch, applyPut, compareStamps, mergeRecord } from './merge.ts';
export { mergeFromText, mergeToText } from './merge-text.ts';
export * from './types.ts';
