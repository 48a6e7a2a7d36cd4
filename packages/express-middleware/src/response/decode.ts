import zlib from 'node:zlib';

type Decoded = (plain: Buffer | undefined) => void;
type Decoder = (body: Buffer, options: zlib.ZlibOptions & zlib.BrotliOptions, done: zlib.CompressCallback) => void;

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: zlib.gunzip,
  'x-gzip': zlib.gunzip,
  deflate: zlib.inflate,
  br: zlib.brotliDecompress,
};

/** A body without its content encoding. Undefined: the encoding is unknown, or the body is broken or a decompression bomb. */
export function decode(body: Buffer, encoding: string, maxBytes: number, done: Decoded): void {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return done(body);
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (decoder === undefined) return done(undefined);
  decoder(body, { maxOutputLength: maxBytes }, (error, plain) => done(error === null ? plain : undefined));
}
