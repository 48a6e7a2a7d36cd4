import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:http';
import {
  createTracker,
  type Denial,
  type DenialKind,
  type EventSink,
  type SessionTracker,
  type WireEvent,
} from '@stream-sessions/core';
import { denialStatus } from '@stream-sessions/core/spi';
import { fakeClock } from '@stream-sessions/core/testing';
import { sessionsApi } from '@stream-sessions/express-middleware';
import {
  type Block,
  blocksOf,
  codeHeadings,
  namesUnder,
  read,
  repositoryFiles,
  tableUnder,
} from './support/markdown.js';

const PAGE = 'docs/http-api.md';

/** The viewers that the examples on the page are about. */
const STAYS = {
  stream: 'cam1',
  ip: '203.0.113.7',
  userAgent: 'VLC/3.0.20 LibVLC/3.0.20',
  referer: 'https://example.org/watch',
  query: 'token=abcdefgh&quality=high',
  token: 'abcdefgh',
  secure: true,
};
const KICKED = { stream: 'cam1', ip: '198.51.100.4', userAgent: 'Mozilla/5.0', protocol: 'dash' };

let tracker: SessionTracker;
let server: Server;
let url: string;
let closedId: string;
let liveId: string;
const told: WireEvent[] = [];

beforeAll(async () => {
  const clock = fakeClock();
  tracker = createTracker({ clock, geo: { country: () => 'DE' } });
  const sink: EventSink = { name: 'test', write: (batch) => void told.push(...batch) };
  tracker.addSink(sink);
  closedId = tracker.trackHttp(KICKED)!.id;
  const { id } = tracker.trackHttp({ ...STAYS, protocol: 'hls', bytes: 940_000 })!;
  liveId = id;
  tracker.tag(id, { plan: 'gold' });
  clock.advance(6_000);
  tracker.trackHttp({ ...STAYS, protocol: 'dash' });
  tracker.trackHttp({ ...STAYS, protocol: 'hls', bytes: 940_000 });
  tracker.kick(closedId, { reason: 'no longer a member' });
  tracker.updateConfig({ policies: [{ name: 'members', admit: () => ({ allow: true }) }] });
  await tracker.invalidate();
  const app = express();
  app.use('/api', sessionsApi(tracker, { authorize: () => true }));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await tracker.stop();
});

async function ask(method: string, path: string, body?: string): Promise<{ status: number; body: unknown }> {
  const headers: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true;
  return { status: answer.status, body: isJson ? JSON.parse(text) : text };
}

/** A value as the names and types of what is in it. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shape(part)]));
}

describe('docs/http-api.md', () => {
  const examples = blocksOf(PAGE, 'json').map((block) => [block.info, block] as const);

  it('has an example of every answer that has a body', () => {
    expect(examples.length).toBeGreaterThan(7);
  });

  it.each(examples)('has an answer of %s as in its example', async (info, block: Block) => {
    const [method = '', path = ''] = info.replace(':closed', closedId).replace(':live', liveId).split(' ');
    if (info === 'POST /denials') {
      // the example is the body of the request
      const { status, body } = await ask(method, path, block.code);
      expect(status).toBe(201);
      const { id } = body as { id: string };
      expect(tracker.denials().some((denial) => denial.id === id)).toBe(true);
      expect((await ask('DELETE', `/denials/${id}`)).status).toBe(204);
      return;
    }
    const { body } = await ask(method, path);
    expect(shape(body)).toEqual(shape(JSON.parse(block.code)));
    // values that do not depend on chance are the same too
    const stable = (value: unknown) =>
      JSON.stringify(value).match(
        /"(?:close_reason|stream_code|proto|kind|named_by|status|code|by|bytes|active|opened_total|asked|kept)":[^,}\]]+/g,
      );
    expect(stable(body)).toEqual(stable(JSON.parse(block.code)));
  });

  it('lists the routes that are in the code', () => {
    const source = read('packages/express-middleware/src/sessions-api/routes.ts');
    const inCode = [...source.matchAll(/\{ path: \/\^(.+)\$\/, methods: \{ (.+) \} \}/g)].flatMap(
      ([, path = '', methods = '']) =>
        [...methods.matchAll(/(\w+): /g)].map(([, method = '']) => `${method} ${path.replaceAll('\\/', '/')}`),
    );
    const documented = codeHeadings(PAGE, 3).map((heading) =>
      heading.replace(':id', '([^/]+)').replace(':code', '(.+)').replaceAll('\\', ''),
    );
    expect(inCode.length).toBeGreaterThan(9);
    expect(documented.sort()).toEqual(inCode.sort());
  });

  it('lists the query names of the list', async () => {
    const { body } = await ask('GET', '/sessions?nothing=1');
    const { message } = (body as { error: { message: string } }).error;
    const allowed = /Allowed: (.*)\.$/.exec(message)?.[1]?.split(', ');
    expect(namesUnder(PAGE, '`GET /sessions`')).toEqual(allowed);
  });

  it('lists the error codes that are in the code, with their status', () => {
    const sources = repositoryFiles()
      .filter((file) => /^packages\/(express-middleware\/src\/sessions-api|core\/src\/http)\//.test(file))
      .map(read)
      .join('\n');
    const thrown = [...sources.matchAll(/new ApiError\(\s*(\d+),\s*'(\w+)'/g)].map(
      ([, status, code]) => `${status} ${code}`,
    );
    const documented = tableUnder(PAGE, 'Errors').map(([status, code]) => `${status} ${code?.replaceAll('`', '')}`);
    expect(documented.sort()).toEqual([...new Set(thrown)].sort());
  });

  it('says what a refused viewer gets', () => {
    const kinds: readonly DenialKind[] = ['credentials', 'forbidden', 'limit', 'overload'];
    const inCode = kinds.map((kind) => [kind, String(denialStatus({ kind } as Denial))]);
    const rows = tableUnder(PAGE, 'What a refused viewer gets');
    expect(rows.map(([kind = '', status]) => [kind.replaceAll('`', ''), status])).toEqual(inCode);
  });
});

describe('docs/events.md', () => {
  const examples = blocksOf('docs/events.md', 'json').map((block) => [block.info, block] as const);

  it('has an example of every envelope', () => {
    const sessions = ['opened', 'updated', 'closed', 'denied'].map((name) => `session.${name}`);
    expect(examples.map(([info]) => info)).toEqual([...sessions, 'source.failed']);
  });

  it.each(examples)('has an example of %s as a sink gets it', async (type, block) => {
    expect(tracker.trackHttp(KICKED)).toBeNull();
    tracker.announceSource('cam1', 'failed', 'ffmpeg ended with code 1');
    await Promise.resolve();
    const envelopes = told.filter((event) => event.type === type);
    const shapes = envelopes.map((event) => shape(event));
    expect(shapes).toContainEqual(shape(JSON.parse(block.code)));
  });
});
