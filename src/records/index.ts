export {
  type Compute,
  compileIndexedValues,
  computedExpressions,
  computeValue,
  type IndexedValues,
  indexedComputed,
} from './computed.ts';
export { compileDecoder, type RecordDecoder } from './decode.ts';
export {
  compileEncoder,
  type EncodedPatch,
  type EncodedRecord,
  type EncodeOptions,
  type PatchEncodeOptions,
  type RecordEncoder,
} from './encode.ts';
export { encodeId, newId, parseIdText } from './id.ts';
export { applyDelete, applyPatch, applyPut, compareStamps, mergeRecord } from './merge.ts';
export { mergeFromText, mergeToText } from './merge-text.ts';
export { type Tagged, tagFields, tagOf, tagOfRow } from './tag.ts';
export * from './types.ts';
