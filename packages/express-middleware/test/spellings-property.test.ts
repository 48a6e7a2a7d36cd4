import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { createTracker, type Policy } from '@stream-sessions/core';
import { trackPlayback } from '../src/index.js';
import { streamOfPath } from '../src/media/stream-name.js';
import { get } from './support/client.js';
import { FILE_SERVERS } from './support/file-servers.js';
import { closeServers, serve } from './support/serve.js';

/** Each holds its own name. The last lies right at the root, and is of no stream there. */
const FILES = [
  'cam1/seg0.ts',
  'cam1/720p/seg0.ts',
  'cam2/seg0.ts',
  'cam2/cam1/seg0.ts',
  'live/cam1/seg0.ts',
  'é/seg0.ts',
];
FILES.push('x y/seg0.ts', '50%/seg0.ts', 'C#/seg0.ts', 'seg0.ts');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stream-sessions-spellings-'));
for (const file of FILES) {
  fs.mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
  fs.writeFileSync(path.join(folder, file), `<${file}>`);
}
afterAll(() => fs.rmSync(folder, { recursive: true }));
afterEach(closeServers);

/** For each server; a hundred times as many were tried once. */
const RUNS = Number(process.env.SPELLINGS ?? 200);

/** What may stand before a segment of a path and lead back to it, for somebody. */
const detours = fc
  .tuple(
    fc.constantFrom('cam1', 'cam2', 'x', 'a%5cb', 'a\\b', 'a%255cb', 'a%2fb', 'a%252fb', 'x/y', '\xe9', '.', '%2e', ''),
    fc.constantFrom('/', '/', '//', '\\', '%5c', '%255c', '%2f', '%252f', '/./', ';/'),
    fc.constantFrom('..', '..', '..', '%2e%2e', '.%2e', '%252e%252e', '..;', '..%00', '%c0%ae%c0%ae', '.', ''),
    fc.constantFrom('/', '/', '//', '\\', '%5c', '%2f', '%252f'),
  )
  .map((parts) => parts.join(''));
const ends = [
  '.',
  '%20',
  '%00',
  ';v=1',
  '%3Bv',
  '%3Fx',
  '%23',
  '?x',
  '?x=/../',
  '#x',
  '#/../x',
  '/',
  '/.',
  '::$DATA',
  '%',
  '~',
];
/** One way to write a character: as it is, escaped, escaped twice, in the other case. */
const writing = (character: string) =>
  fc.oneof(
    { weight: 40, arbitrary: fc.constant(character) },
    { weight: 2, arbitrary: fc.constant(`%${character.charCodeAt(0).toString(16)}`) },
    { weight: 1, arbitrary: fc.constant(`%25${character.charCodeAt(0).toString(16)}`) },
    { weight: 1, arbitrary: fc.constant(character.toUpperCase()) },
  );
const written = (text: string) => fc.tuple(...[...text].map(writing)).map((parts) => parts.join(''));
const maybe = (strange: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: strange });
const segments = ['cam1', 'cam2', '720p', 'live', 'LIVE', 'x%20y', '%C3%A9', '\xc3\xa9', 'e%CC%81', '50%25', 'C%23'];
const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('cam1', 'cam2').chain(written) },
  { weight: 1, arbitrary: fc.constantFrom(...segments) },
);
const paths = fc
  .tuple(
    fc.array(fc.tuple(maybe(detours), segment), { maxLength: 3 }),
    maybe(detours),
    written('seg0.ts'),
    maybe(fc.constantFrom(...ends)),
  )
  .map(([folders, detour, file, end]) => {
    const before = folders.map(([strange, name]) => `${strange}${name}/`).join('');
    return `/${before}${detour}${file}${end}`;
  });
const starts = maybe(
  fc.constantFrom('/', '/x', 'http://h', 'http://h/x/..', 'HTTP://u@h:80', 'http:/', 'http:', 'https:/x'),
);

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
afterAll(() => agent.destroy());
/** What a target is answered; '' where Node itself refuses it. */
const ask = (url: string, target: string): Promise<string> =>
  get(url, target, {}, { agent }).then(
    ({ text }) => text,
    () => '',
  );

const servedFile = (answer: string): string | undefined => /<([^<>]+\.ts)>/.exec(answer)?.[1];

/** Tried first, every time: the plain one, and what fooled some server once. */
const KNOWN: [string, string][] = [
  ['', '/cam1/seg0.ts'],
  ['', '/cam1%5cb/../cam2/seg0.ts'],
  ['', '/cam1\\b/../cam2/seg0.ts'],
  ['', '/a%5cb/../seg0.ts'],
  ['', '/cam2//../cam1/seg0.ts'],
  ['', '/cam1/x%2fb/../../../cam2/seg0.ts'],
  ['', '/cam2/x%2fb/../../cam1/seg0.ts'],
  ['', '/cam1/%2e/../cam2/seg0.ts'],
  ['', '/cam1%252f..%252fcam2/seg0.ts'],
  ['', '/cam2/seg0.ts%3F/../../cam1/x.ts'],
  ['', '/cam2/seg0.ts#/../../cam1/x.ts'],
  ['/', '/cam1/cam2/seg0.ts'],
  ['/', '/x/seg0.ts'],
  ['/cam1/', '/x/cam2/seg0.ts'],
  ['http://h', '//cam1/seg0.ts'],
];

/** A tracker that lets in to one stream only, and what it was asked about. */
function doorkeeper(allowed: string) {
  const asked: string[] = [];
  const policy: Policy = {
    name: 'doorkeeper',
    stage: 'authorise',
    admit: ({ stream }) => (stream === allowed ? { allow: true } : { allow: false, reason: 'unauthorized' }),
  };
  const tracker = createTracker({ policies: [policy], deniedRetentionMs: 0 });
  const guard = trackPlayback(tracker, { hit: (_req, hit) => (asked.push(hit.stream), hit) });
  return { tracker, guard, asked };
}

describe('whatever is served as one file was judged as its stream', () => {
  it.each(Object.entries(FILE_SERVERS))('%s', async (_name, { mount, make }) => {
    const { tracker, guard, asked } = doorkeeper('cam1');
    const { url } = await serve(make(guard, folder));
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(starts, paths, async (start, spelling) => {
        asked.length = 0;
        const target = /^(http:..h)(.*)/i.exec(start)?.slice(1) ?? ['', start];
        const file = servedFile(await ask(url, `${target[0]}${mount}${target[1]}${spelling}`));
        if (file === undefined) return;
        seen.add(file);
        expect([file, asked]).toEqual([file, [streamOfPath(file, 'first-segment')]]);
        expect(asked).toEqual(['cam1']);
      }),
      { numRuns: RUNS, examples: KNOWN },
    );
    expect([...seen].sort()).toEqual(expect.arrayContaining(['cam1/seg0.ts']));
    await tracker.stop();
  });

  it('over HTTP/2, whose targets may be anything', async () => {
    const { tracker, guard, asked } = doorkeeper('cam1');
    const server = http2.createServer(FILE_SERVERS['plain http with new URL()']!.make(guard, folder) as never);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const open = () => http2.connect(`http://127.0.0.1:${port}`).on('error', () => undefined);
    let client = open();
    let served = 0;
    await fc.assert(
      fc.asyncProperty(starts, paths, async (start, spelling) => {
        asked.length = 0;
        if (client.destroyed) client = open(); // Node ends one that asked for too much nonsense
        const request = client.request({ ':path': `${start}${spelling}` });
        let answer = '';
        request.on('data', (data: Buffer) => (answer += data.toString()));
        await new Promise((resolve) => request.on('close', resolve).on('error', () => undefined));
        if (servedFile(answer) === undefined) return;
        served++;
        expect([servedFile(answer), asked]).toEqual([expect.stringContaining('cam1/'), ['cam1']]);
      }),
      { numRuns: RUNS, examples: KNOWN },
    );
    expect(served).toBeGreaterThan(0);
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
    await tracker.stop();
  });
});
