import { constants, deflateRawSync } from 'node:zlib';

/** How the feed is written down. What comes out can follow anything that came out before, so that all may get the same. */
export interface Encoding {
  /** As `Content-Encoding` says it; undefined: as it is. */
  readonly name: 'gzip' | undefined;
  /** What comes before everything else; undefined: nothing. */
  readonly head: Buffer | undefined;
  /** For many. */
  encode(text: Buffer): Buffer;
  /** For one alone: what it takes to make it small is not spent. */
  wrap(text: Buffer): Buffer;
}

export const plain: Encoding = {
  name: undefined,
  head: undefined,
  encode: (text) => text,
  wrap: (text) => text,
};

/** Whole blocks that refer to nothing before them. */
const blocks = (text: Buffer, level: number): Buffer =>
  deflateRawSync(text, { level, finishFlush: constants.Z_FULL_FLUSH });

/**
 * A gzip stream (RFC 1952) of which nobody needs the end: like the feed itself, it is over when its connection is, and browsers,
 * curl and fetch take that for one.
 */
export const gzip: Encoding = {
  name: 'gzip',
  head: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]), // deflate; no name, no time, whichever system
  encode: (text) => blocks(text, constants.Z_BEST_SPEED),
  wrap: (text) => blocks(text, constants.Z_NO_COMPRESSION),
};
