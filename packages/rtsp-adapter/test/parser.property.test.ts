import fc from 'fast-check';
import { MAX_BODY_BYTES, MAX_HEAD_BYTES, RtspParser, RtspSyntaxError } from '../src/protocol/parser.js';
import type { RtspRequest } from '../src/protocol/request.js';
import { frame } from './support/rtsp-client.js';

type Heard = { request: string; headers: [string, string][]; body: string } | { channel: number; payload: string };

function listener() {
  const heard: Heard[] = [];
  const parser = new RtspParser({
    request: ({ method, uri, headers, body }: RtspRequest) =>
      heard.push({ request: `${method} ${uri}`, headers: [...headers], body: body.toString('hex') }),
    frame: (channel, payload) => heard.push({ channel, payload: payload.toString('hex') }),
  });
  return { heard, parser };
}

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/).map((name) => `x-${name.toLowerCase()}`);
const value = fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/);
const message = fc.oneof(
  fc
    .record({
      method: fc.stringMatching(/^[A-Z][A-Z_]{0,19}$/),
      uri: fc.stringMatching(/^[!-~]{1,60}$/),
      headers: fc.uniqueArray(fc.tuple(token, value), { selector: ([name]) => name, maxLength: 10 }),
      body: fc.uint8Array({ maxLength: 300 }),
      before: fc.constantFrom('', '\r\n', '\r\n\r\n'),
    })
    .map(({ method, uri, headers, body, before }) => {
      const all: [string, string][] = [...headers];
      if (body.length > 0) all.push(['content-length', String(body.length)]);
      const head = `${before}${method} ${uri} RTSP/1.0\r\n${all.map(([name, text]) => `${name}: ${text}\r\n`).join('')}\r\n`;
      return {
        bytes: Buffer.concat([Buffer.from(head), body]),
        means: { request: `${method} ${uri}`, headers: all, body: Buffer.from(body).toString('hex') },
      };
    }),
  fc.record({ channel: fc.nat(255), payload: fc.uint8Array({ maxLength: 2000 }) }).map(({ channel, payload }) => ({
    bytes: frame(channel, Buffer.from(payload)),
    means: { channel, payload: Buffer.from(payload).toString('hex') },
  })),
);

/** As the network cuts: anywhere. */
function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[i % sizes.length] as number);
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}

it('the parser understands requests and frames in any order, however they are split', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 400 })), (messages, sizes) => {
      const { heard, parser } = listener();
      for (const piece of pieces(Buffer.concat(messages.map(({ bytes }) => bytes)), sizes)) parser.write(piece);
      expect(heard).toEqual(messages.map(({ means }) => means));
    }),
    { numRuns: 300 },
  );
});

it('the parser reports nothing while it is held, and everything afterwards, in order', () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 400 })),
      (all, sizes) => {
        const { heard, parser } = listener();
        parser.hold();
        for (const piece of pieces(Buffer.concat(all.map(({ bytes }) => bytes)), sizes)) parser.write(piece);
        expect(heard).toEqual([]);
        parser.resume();
        expect(heard).toEqual(all.map(({ means }) => means));
      },
    ),
  );
});

it('the parser accepts any bytes: it parses them, waits for more, or reports that they are not RTSP', () => {
  const junk = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const nearly = fc.constantFrom(
    'DESCRIBE rtsp://h/a RTSP/1.0\r\n',
    'CSeq: 1\r\n',
    'Content-Length: 10\r\n',
    'Content-Length: -1\r\n',
    '\r\n',
    '$',
    'RTSP/1.0 200 OK\r\n',
    ' : \r\n',
    '\u0000',
  );
  const text = fc.array(nearly, { maxLength: 20 }).map((parts) => Buffer.from(parts.join('')));
  fc.assert(
    fc.property(fc.array(fc.oneof(junk, text), { maxLength: 8 }), (chunks) => {
      const { parser } = listener();
      try {
        for (const chunk of chunks) parser.write(chunk);
      } catch (error) {
        expect(error).toBeInstanceOf(RtspSyntaxError);
      }
    }),
    { numRuns: 1000 },
  );
});

const write = (text: string | Buffer) => () => {
  const { heard, parser } = listener();
  parser.write(Buffer.from(text as string));
  return heard;
};

it('the parser refuses heads and bodies that are too long, as soon as it knows', () => {
  const start = 'DESCRIBE rtsp://h/a RTSP/1.0\r\n';
  expect(write(`${start}X: ${'y'.repeat(MAX_HEAD_BYTES)}`)).toThrow(RtspSyntaxError);
  expect(write(`${start}Content-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`)).toThrow(RtspSyntaxError);
  expect(write(`${start}${'A: b\r\n'.repeat(200)}\r\n`)).toThrow(RtspSyntaxError);
  expect(write(`${start}Content-Length: ${MAX_BODY_BYTES}\r\n\r\n`)()).toEqual([]);
});

it('the parser refuses lengths that could be read in two ways', () => {
  for (const length of ['5, 6', '-1', '+5', '0x10', '1e3', '5\r\nContent-Length: 6', '']) {
    expect(write(`ANNOUNCE rtsp://h/a RTSP/1.0\r\nContent-Length: ${length}\r\n\r\nhello`)).toThrow(RtspSyntaxError);
  }
});

it('the parser keeps no more than a bound while it is held', () => {
  const { parser } = listener();
  parser.hold();
  expect(() => {
    for (let i = 0; i < 100; i++) parser.write(Buffer.alloc(4096));
  }).toThrow(/not answered yet/);
});

it('the parser skips responses to requests that nobody made', () => {
  const heard = write('RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2\r\n\r\nhiOPTIONS * RTSP/1.0\r\n\r\n')();
  expect(heard).toMatchObject([{ request: 'OPTIONS *' }]);
});
