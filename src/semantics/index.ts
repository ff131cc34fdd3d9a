// HTTP’s own rules as pure functions: entity tags, dates, ranges, what a client accepts, codings.

export { chooseEncoding, chooseType, type Encoding, type Offer, parsePreferences } from './accept.ts';
export { compress, compressStream, decompressStream, isCompressible } from './compression.ts';
export {
  contentTag,
  type EntityTag,
  entityTag,
  isKnown,
  isUnmodifiedSince,
  lastModified,
  parseHttpDate,
  parseTags,
  tagWithCoding,
} from './conditional.ts';
export { type ByteRange, blobResponse, parseRange } from './ranges.ts';
