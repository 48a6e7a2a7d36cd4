import fc from 'fast-check';
import { ChunkReader, type ChunkStream, type Problem } from '../../src/guard/chunk-reader.js';
import { RtmpScanner } from '../../src/guard/rtmp-scanner.js';
import { chunkHead } from '../support/chunks.js';
import { OPENING_BYTES, serverParsers, type Message, type ServerParser } from '../support/server-parsers.js';

const HANDSHAKE = Buffer.concat([Buffer.from([3]), Buffer.alloc(3072)]);

/** Reads along, and objects to nothing but what it must. */
class Reader extends ChunkReader {
  readonly messages: Message[] = [];

  protected override begun({ type, length }: ChunkStream): Problem {
    return type > 22 || length > 100_000 ? 'what no client sends' : undefined;
  }

  protected override completed({ type, length, clock, opening }: ChunkStream): Problem {
    this.messages.push({ type, length, clock, opening: opening.toString('hex', 0, Math.min(length, OPENING_BYTES)) });
    if (type !== 1) return undefined;
    if (length < 4) return 'no size';
    this.chunkSize = opening.readUInt32BE();
    return this.chunkSize === 0 || this.chunkSize > 0xffffff ? 'an impossible size' : undefined;
  }

  get size(): number {
    return this.chunkSize;
  }

  get keeps(): number {
    return this.kept;
  }
}

interface Chunk {
  readonly format: number;
  readonly id: number;
  readonly time: number;
  readonly type: number;
  readonly length: number;
  readonly size: number;
  readonly fill: number;
  /** Bytes of payload more or fewer than a chunk has. */
  readonly stray: number;
}

const often = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 3, arbitrary: fc.constantFrom(...others) });

const aChunk: fc.Arbitrary<Chunk> = fc.record({
  format: fc.constantFrom(0, 0, 1, 2, 3, 3, 3),
  id: fc.constantFrom(2, 3, 3, 4, 63, 64, 319, 321, 576),
  time: often(0, 1, 0xfffffe, 0xffffff, 0x80000000, 0xffffffff),
  type: often(9, 1, 1, 3, 8, 18, 20, 22),
  length: often(300, 0, 1, 3, 4, 127, 128, 129, 256, 1000),
  size: fc.constantFrom(1, 2, 64, 127, 128, 129, 200, 4096, 0xffffff),
  fill: fc.integer({ min: 0, max: 255 }),
  stray: often(0, -1, 1, 20),
});

/** A client that writes chunks as the specification has it (5.3), except where it strays. */
function written(chunks: Chunk[]): Buffer {
  let chunkSize = 128;
  const streams = new Map<number, { length: number; type: number; got: number; extended: boolean; size: number }>();
  const parts = chunks.flatMap(({ format, id, time, type, length, size, fill, stray }) => {
    const stream = streams.get(id) ?? { length: 0, type: 0, got: 0, extended: false, size };
    streams.set(id, stream);
    // Where another message has begun it is gone on with: the length may not change.
    const form = stream.got > 0 && format < 2 && stray === 0 ? 3 : format;
    if (form < 2) Object.assign(stream, { length: type === 1 ? 4 : length, type, got: 0, size });
    if (form < 3) stream.extended = time >= 0xffffff;
    const head = headOf(form, id, stream, time);
    const bytes = Math.max(0, Math.min(chunkSize, stream.length - stream.got) + stray);
    const payload = Buffer.alloc(bytes, fill);
    if (stream.type === 1 && stream.got === 0 && bytes >= 4) payload.writeUInt32BE(stream.size);
    stream.got += bytes;
    if (stream.got >= stream.length) {
      stream.got = 0;
      if (stream.type === 1) chunkSize = stream.size;
    }
    return [head, payload];
  });
  return Buffer.concat(parts);
}

function headOf(format: number, id: number, stream: { length: number; type: number; extended: boolean }, time: number) {
  const first = format << 6;
  const basic =
    id < 64
      ? Buffer.from([first | id])
      : id < 320
        ? Buffer.from([first, id - 64])
        : Buffer.from([first | 1, (id - 64) & 255, ((id - 64) >> 8) & 255]);
  const whole = chunkHead(3, stream.type, stream.length, time).subarray(1, 12);
  const extended = Buffer.alloc(stream.extended ? 4 : 0);
  if (stream.extended) extended.writeUInt32BE(Math.max(time, 0xffffff));
  return Buffer.concat([basic, whole.subarray(0, [11, 7, 3, 0][format]), extended]);
}

function* cutUp(data: Buffer, sizes: number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < data.length; i++) {
    const size = sizes[i % sizes.length] as number;
    yield data.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.constantFrom(1, 2, 7, 100, 1460, 65_536), { minLength: 1, maxLength: 5 });
const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
const conversation = fc.oneof(
  { weight: 5, arbitrary: fc.array(aChunk, { maxLength: 40 }).map(written) },
  { weight: 1, arbitrary: noise },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(aChunk, { maxLength: 20 }).map(written), noise, fc.nat())
      .map(([data, junk, at]) => Buffer.concat([data.subarray(0, at % (data.length + 1)), junk, data])),
  },
);

describe.each(Object.keys(serverParsers))('against the parser of %s', (name) => {
  const parser = serverParsers[name] as () => ServerParser;

  it('reads the same messages, whatever is sent, for as long as it does not object', () => {
    fc.assert(
      fc.property(conversation, sizes, (said, pieces) => {
        const [reader, server] = [new Reader(), parser()];
        const problem = readBoth(reader, server, said, pieces);
        // A message without bytes is acted on when something comes after it.
        expect(server.messages).toEqual(reader.messages.slice(0, server.messages.length));
        if (problem !== undefined) return;
        const behind = reader.messages.length - server.messages.length;
        expect(behind).toBeLessThanOrEqual(1);
        if (behind === 0) expect(server.chunkSize()).toBe(reader.size);
        expect(server.held()).toBeLessThanOrEqual(reader.keeps + 64 * 1024);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps the server from holding more of a stranger than its bound', () => {
    fc.assert(
      fc.property(conversation, sizes, (said, pieces) => {
        const server = parser();
        readBoth(new RtmpScanner(8 * 1024 * 1024), server, said, pieces);
        expect(server.held()).toBeLessThanOrEqual(128 * 1024);
      }),
      { numRuns: 300 },
    );
  });
});

/** As the guard does it: what is objected to does not reach the server. */
function readBoth(reader: ChunkReader, server: ServerParser, said: Buffer, pieces: number[]): Problem {
  reader.scan(HANDSHAKE);
  server.feed(HANDSHAKE);
  for (const piece of cutUp(said, pieces)) {
    const problem = reader.scan(piece);
    if (problem !== undefined) return problem;
    server.feed(piece);
  }
  return undefined;
}

describe('what once made readers lose step with the server', () => {
  const chunk = (text: string, payload = 0) => Buffer.concat([Buffer.from(text, 'hex'), Buffer.alloc(payload, 0x55)]);
  const sized = chunk('020000000000040100000000');
  const last = chunk('020000000000040300000000', 4);
  const inStep: [string, Buffer[]][] = [
    ['a size of chunks that comes in bytes', [sized, chunk('00000001'), sized, chunk('00c200c200c280'), last]],
    [
      'a size of chunks in the middle of a message',
      [chunk('0300000000012c0900000000', 128), sized, chunk('000000c8'), chunk('c3', 72), chunk('c3', 100), last],
    ],
  ];

  it.each(inStep)('%s is read as the server reads it', (_what, parts) => {
    for (const parser of Object.values(serverParsers)) {
      const [reader, server] = [new Reader(), parser()];
      const data = Buffer.concat([HANDSHAKE, ...parts]);
      expect(reader.scan(data)).toBeUndefined();
      server.feed(data);
      expect(server.messages).toEqual(reader.messages);
      expect(server.messages.map(({ type }) => type).at(-1)).toBe(3);
    }
  });

  it('a time beyond 32 bits is an error, because the server ignores what comes with it', () => {
    const early = chunk('03ffffff0000040300000000ffffffff', 4);
    const late = chunk('430000010000040100ffffff');
    for (const parser of Object.values(serverParsers)) {
      const server = parser();
      server.feed(Buffer.concat([HANDSHAKE, early, late]));
      expect(server.chunkSize()).toBe(128);
      const reader = new Reader();
      expect(reader.scan(Buffer.concat([HANDSHAKE, early]))).toBeUndefined();
      expect(reader.scan(late)).toBe('a time that cannot be counted');
    }
  });
});
