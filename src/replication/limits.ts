// Every limit of a conversation between two nodes.

export const replicationLimits = {
  /** Largest frame, in bytes. Holds the largest batch with a record of the largest size beside it, in UTF-8. */
  frameBytes: 256 * 1024 * 1024,
  /** Largest frame before the peer has said who it is. */
  helloBytes: 1024 * 1024,
  /** A batch ends with the transaction that reaches it, in bytes. */
  batchBytes: 256 * 1024,
  /** Units of data under way to a node that it has not stored yet. */
  window: 4 * 1024 * 1024,
  /** Entries in a vector, or in any list of names. */
  names: 65_536,
  /** Bytes of a name: node, cluster, database, table. */
  nameBytes: 512,
  /** Bytes of one piece of a blob. */
  blobPieceBytes: 1024 * 1024,
  /** Pieces of blobs asked for at the same time. */
  blobPieces: 4,
  /** Bytes of one record's text. */
  textBytes: 64 * 1024 * 1024,
  /** After this long without a frame a ping is sent, in ms. */
  pingMs: 5_000,
  /** After this long without a frame the peer counts as gone, in ms. */
  silenceMs: 15_000,
  /** After this long without taking data that is under way the peer counts as stuck, in ms. */
  stallMs: 60_000,
  /** Writes that wait for other members to confirm them. */
  confirmations: 10_000,
  /** How long a write waits for them, in ms. */
  confirmMs: 10_000,
  /** How long a hello may take, in ms. */
  helloMs: 10_000,
  /** How often digests are sent, in ms. */
  digestsMs: 10_000,
  /** How long digests differ at the same vector before the tables count as diverged, in ms. */
  suspicionMs: 45_000,
} as const;
