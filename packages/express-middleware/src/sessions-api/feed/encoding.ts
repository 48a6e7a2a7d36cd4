import { constants, deflateRawSync } from 'node:zlib';

/** How the feed is encoded. Each piece of output can follow any other, so that all clients can get the same bytes. */
export interface Encoding {
  /** The value for `Content-Encoding`; undefined: not encoded. */
  readonly name: 'gzip' | undefined;
  /** What precedes everything else; undefined: nothing. */
  readonly head: Buffer | undefined;
  /** Encodes for many clients. */
  encode(text: Buffer): Buffer;
  /** Encodes for a single client, without spending effort on compression. */
  wrap(text: Buffer): Buffer;
}

export const plain: Encoding = {
  name: undefined,
  head: undefined,
  encode: (text) => text,
  wrap: (text) => text,
};

/** Complete blocks that do not refer to anything before them. */
const blocks = (text: Buffer, level: number): Buffer =>
  deflateRawSync(text, { level, finishFlush: constants.Z_FULL_FLUSH });

/**
 * A gzip stream (RFC 1952) that needs no end: like the feed itself, it is over when its connection is, and browsers, curl and
 * fetch accept that.
 */
export const gzip: Encoding = {
  name: 'gzip',
  head: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]), // deflate; no name, no time, unknown system
  encode: (text) => blocks(text, constants.Z_BEST_SPEED),
  wrap: (text) => blocks(text, constants.Z_NO_COMPRESSION),
};
