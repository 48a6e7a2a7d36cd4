import http from 'node:http';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import { createTracker, type Policy, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { type ApiHandler, sessionsApi } from '../src/index.js';
import { type Answer } from './support/client.js';
import { directoryOf } from './support/directory.js';
import { closeServers, serve } from './support/serve.js';

const clock = fakeClock(Date.UTC(2026, 0, 2, 3, 4, 5));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let tracker: SessionTracker;
let url: string;

const start = async (options: TrackerOptions = {}, mount = (api: ApiHandler) => express().use('/api', api)) => {
  tracker = createTracker({ clock, autoStart: false, logger: quiet, ...options });
  ({ url } = await serve(mount(sessionsApi(directoryOf(tracker), { authorize: () => true }))));
  url += '/api';
};
beforeEach(() => start());
afterEach(async () => {
  await closeServers();
  await tracker.stop();
});

type Reply = Omit<Answer, 'body'> & { body: any };

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const target = new URL(url);
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        port: target.port,
        path: target.pathname.replace(/\/$/, '') + path,
        method,
        headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const json = response.headers['content-type']?.startsWith('application/json') && text !== '';
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            body: json ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

const hit = (stream: string, n = 0, more = {}) =>
  tracker.trackHttp({ stream, protocol: 'hls', ip: `10.0.${n >> 8}.${n & 255}`, userAgent: 'ua', bytes: 10, ...more })!;

describe('GET /sessions', () => {
  it('lists sessions in the wire form, with count and stats', async () => {
    const { id } = hit('cam1', 1, { token: 's3cret', query: 'token=s3cret&x=1' });
    const { status, headers, body, text } = await call('GET', '/sessions');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(body).toMatchObject({
      sessions: [
        {
          id,
          stream_code: 'cam1',
          proto: 'hls',
          protos: ['hls'],
          kind: 'viewer',
          ip: '10.0.0.1',
          bytes: 10,
          opened_at: '2026-01-02T03:04:05.000Z',
        },
      ],
      total_count: 1,
      stats: { active: 1, opened_total: 1, kicked_total: 0, viewers: 1, bytes_total: 10 },
    });
    expect(body.next).toBeUndefined();
    expect(text).not.toContain('s3cret');
  });

  it('shows tokens if the tracker does', async () => {
    await closeServers();
    await start({ exposeTokens: true });
    hit('cam1', 1, { token: 's3cret' });
    expect((await call('GET', '/sessions')).body.sessions[0].token).toBe('s3cret');
  });

  it('filters by every query', async () => {
    hit('cam1', 1, { token: 'anna' });
    hit('cam1', 2, { protocol: 'dash' });
    hit('cam2', 3);
    tracker.openConn({ stream: 'cam3', protocol: 'rtmp', kind: 'input', remoteAddress: '[2001:db8::1]:5' });
    const closed = hit('cam4', 4);
    tracker.kick(closed.id);
    const streams = async (query: string) =>
      (await call('GET', `/sessions?${query}`)).body.sessions.map((s: any) => s.stream_code).sort();
    expect(await streams('')).toEqual(['cam1', 'cam1', 'cam2', 'cam3', 'cam4']);
    expect(await streams('stream=cam1')).toEqual(['cam1', 'cam1']);
    expect(await streams('stream=cam1&proto=DASH')).toEqual(['cam1']);
    expect(await streams('proto=rtmp')).toEqual(['cam3']);
    expect(await streams('proto=something-new')).toEqual([]);
    expect(await streams('kind=input')).toEqual(['cam3']);
    expect(await streams('status=closed')).toEqual(['cam4']);
    expect(await streams('status=active&kind=viewer')).toEqual(['cam1', 'cam1', 'cam2']);
    expect(await streams('ip=10.0.0.3')).toEqual(['cam2']);
    expect(await streams('ip=2001:DB8:0::1')).toEqual(['cam3']);
    expect(await streams('country=de')).toEqual([]);
    expect(await streams(`user=${tracker.list({ stream: 'cam1', protocol: 'hls' })[0]!.userName}`)).toEqual(['cam1']);
    expect(await streams('status=&stream=cam2&ip=')).toEqual(['cam2']);
  });

  it('gives pages of at most 1000, and the real total', async () => {
    for (let n = 0; n < 2105; n++) hit(n % 2 ? 'odd' : 'even', n);
    for (const limit of ['', 'limit=0', 'limit=1001', 'limit=999999', 'limit=9999999999999999']) {
      const { body } = await call('GET', `/sessions?${limit}`);
      expect([limit, body.sessions.length, body.total_count]).toEqual([limit, 1000, 2105]);
    }
    const seen = new Set<string>();
    let next = '';
    let pages = 0;
    do {
      const { body } = await call('GET', `/sessions?stream=odd&limit=500${next && `&after=${next}`}`);
      expect(body.total_count).toBe(1052);
      for (const { id } of body.sessions) seen.add(id);
      next = body.next;
      pages++;
    } while (next);
    expect([pages, seen.size]).toEqual([3, 1052]);
  });

  it('has no next page if the last one is exactly full', async () => {
    for (let n = 0; n < 4; n++) hit('cam1', n);
    expect((await call('GET', '/sessions?limit=4')).body.next).toBeUndefined();
    expect((await call('GET', '/sessions?limit=3')).body.next).toBeDefined();
  });

  it.each([
    [
      'strem=cam1',
      ['strem', 'stream, proto, kind, status, user, ip, country, dvr, tag, reason, q, visits, order, limit, after'],
    ],
    ['__proto__=x', ['Allowed: stream']],
    ['stream=a&stream=b', ['twice']],
    ['kind=viewers', ['viewer, input, output, unspecified']],
    ['status=open', ['active, closed']],
    ['proto=a+b%2F', ['proto', 'hls']],
    ['proto=%00', ['proto']],
    ['ip=10.0.0', ['ip', 'IPv4 or IPv6']],
    ['country=Germany', ['ISO 3166']],
    ['limit=-1', ['limit', '0 to 1000']],
    ['limit=1.5', ['limit']],
    ['limit=ten', ['limit']],
    ['after=nonsense', ['after', 'next']],
  ])('answers 400 to %s, with what is allowed', async (query, words) => {
    const { status, body } = await call('GET', `/sessions?${query}`);
    expect(status).toBe(400);
    expect(body.error.code).toBe('INVALID_QUERY');
    for (const word of words) expect(body.error.message).toContain(word);
  });

  it('answers HEAD without a body', async () => {
    const { status, headers, text } = await call('HEAD', '/sessions');
    expect([status, text, Number(headers['content-length']) > 10]).toEqual([200, '', true]);
  });

  it('keeps no session alive by reading', async () => {
    hit('cam1');
    clock.advance(29_000);
    await call('GET', '/sessions');
    clock.advance(2000);
    tracker.sweep();
    expect((await call('GET', '/sessions?status=active')).body.sessions).toEqual([]);
  });
});

describe('one session', () => {
  it('is shown, live or closed', async () => {
    const { id } = hit('cam1');
    expect((await call('GET', `/sessions/${id}`)).body).toMatchObject({ id, stream_code: 'cam1' });
    tracker.kick(id);
    expect((await call('GET', `/sessions/${id}`)).body).toMatchObject({ id, close_reason: 'kicked' });
  });

  it('is kicked once, and then not found', async () => {
    const { id } = hit('cam1');
    expect(await call('DELETE', `/sessions/${id}`)).toMatchObject({ status: 204, text: '' });
    expect(await call('DELETE', `/sessions/${id}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'NOT_FOUND' } },
    });
    expect(tracker.denials()).toMatchObject([{ by: 'kick' }]);
  });

  it('is kept out for as long as deny_for says', async () => {
    await call('DELETE', `/sessions/${hit('cam1', 1).id}?deny_for=7.5`);
    await call('DELETE', `/sessions/${hit('cam1', 2).id}?deny_for=0`);
    expect(tracker.denials().map(({ until }) => until - clock.now())).toEqual([7500]);
  });

  it('has its reason in the list, in the event and in the denial', async () => {
    const { id } = hit('cam1');
    const reason = `no longer a ${'m'.repeat(300)}`;
    expect((await call('DELETE', `/sessions/${id}?reason=${encodeURIComponent(reason)}&deny_for=60`)).status).toBe(204);
    expect((await call('GET', `/sessions/${id}`)).body).toMatchObject({
      close_reason: 'kicked',
      close_detail: reason.slice(0, 256),
    });
    expect(tracker.denials()).toMatchObject([{ detail: reason.slice(0, 256) }]);
    const second = hit('cam1', 2).id;
    expect((await call('DELETE', `/sessions/${second}?reason=`)).status).toBe(204);
    expect((await call('GET', `/sessions/${second}`)).body.close_detail).toBeUndefined();
    for (const query of ['reason=a&reason=b', 'Reason=a', 'reasons=a']) {
      expect((await call('DELETE', `/sessions/${second}?${query}`)).status).toBe(400);
    }
  });

  it.each(['-1', 'soon', '1e3', '99999999999'])('is not kicked with deny_for=%s', async (value) => {
    const { id } = hit('cam1');
    expect(await call('DELETE', `/sessions/${id}?deny_for=${value}`)).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_QUERY' } },
    });
    expect(await call('DELETE', `/sessions/${id}?denyfor=1`)).toMatchObject({ status: 400 });
    expect(tracker.count({ status: 'active' })).toBe(1);
  });

  it.each(['unknown', '%zz', '%00', 'a%2Fb', '__proto__'])('%s is not found', async (id) => {
    expect((await call('GET', `/sessions/${id}`)).status).toBe(404);
    expect((await call('DELETE', `/sessions/${id}`)).status).toBe(404);
  });
});

describe('streams', () => {
  it('are listed, most viewers first', async () => {
    hit('cam1', 1);
    hit('cam2', 2);
    hit('cam2', 3);
    tracker.openConn({ stream: 'cam1', protocol: 'rtmp', kind: 'input', remoteAddress: '1.2.3.4:5' });
    expect((await call('GET', '/streams')).body).toEqual({
      streams: [
        { stream_code: 'cam2', viewers: 2, dvr: 0, inputs: 0, outputs: 0, bytes: 20 },
        { stream_code: 'cam1', viewers: 1, dvr: 0, inputs: 1, outputs: 0, bytes: 10 },
      ],
      total_count: 2,
    });
    expect((await call('GET', '/streams?limit=1')).body.streams).toHaveLength(1);
  });

  it.each(['cam1', 'cam1%2F720p', 'cam1/720p', 'caf%C3%A9'])('show the sessions of %s', async (code) => {
    hit(decodeURIComponent(code));
    hit('other', 7);
    const { body } = await call('GET', `/streams/${code}/sessions?kind=viewer`);
    expect(body).toMatchObject({ sessions: [{ stream_code: decodeURIComponent(code) }], total_count: 1 });
  });

  it('accept no second stream', async () => {
    expect(await call('GET', '/streams/cam1/sessions?stream=cam2')).toMatchObject({ status: 400 });
  });
});

describe('denials', () => {
  it('are created, listed and lifted', async () => {
    const made = await call('POST', '/denials', {
      target: { ip: '203.0.113.0/24', stream_code: 'cam1', user_agent: 'ua', proto: 'hls' },
      deny_for: 60,
      reason: 'why',
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        target: { ip: '203.0.113.0/24', stream_code: 'cam1', user_agent: 'ua', proto: 'hls' },
        by: 'deny',
        kind: 'forbidden',
        until: new Date(clock.now() + 60_000).toISOString(),
      },
    });
    expect((await call('GET', '/denials')).body).toEqual({ denials: [made.body], total_count: 1 });
    expect((await call('DELETE', `/denials/${made.body.id}`)).status).toBe(204);
    expect((await call('DELETE', `/denials/${made.body.id}`)).status).toBe(404);
  });

  it('refuse credentials that were issued to a user up to a given time', async () => {
    const issued_before = '2026-01-01T12:00:00.000Z';
    const made = await call('POST', '/denials', { user: 'ann', issued_before });
    expect(made).toMatchObject({ status: 201, body: { target: { user: 'ann', issued_before } } });
    expect(tracker.denials()).toMatchObject([{ target: { user: 'ann', issuedBefore: Date.parse(issued_before) } }]);
    for (const wrong of ['2026-01-01', 1_790_000_000, 'now', null, '2026-02-30T12:00:00Z', '2026-13-01T12:00:00Z']) {
      const answer = await call('POST', '/denials', { user: 'ann', issued_before: wrong });
      expect([answer.status, answer.body.error.message]).toEqual([400, expect.stringContaining('issued_before')]);
    }
    const { status, body } = await call('POST', '/denials', { ip: '192.0.2.1', issued_before });
    expect([status, body.error.message]).toEqual([400, expect.stringMatching(/^issued_before .*name the "user"/)]);
  });

  it.each(['user_agent', 'stream_code', 'proto'])(
    'say that %s is no text by the name that it has here',
    async (name) => {
      for (const wrong of [5, '', null]) {
        const { status, body } = await call('POST', '/denials', { target: { [name]: wrong } });
        expect([status, body.error.message]).toEqual([400, `${name} must be a string that is not empty.`]);
      }
    },
  );

  it('are made by a kick with revoke=true', async () => {
    const session = hit('cam1', 1);
    const answer = await call('DELETE', `/sessions/${session.id}?revoke=yes`);
    expect([answer.status, answer.body.error.message]).toEqual([400, expect.stringContaining('true, false')]);
    expect((await call('DELETE', `/sessions/${session.id}?revoke=true`)).status).toBe(204);
  });

  it('are made by a kick with an empty revoke as by one without', async () => {
    const session = hit('cam1', 1);
    expect((await call('DELETE', `/sessions/${session.id}?revoke=&deny_for=&reason=`)).status).toBe(204);
    expect(tracker.denials()).toMatchObject([{ by: 'kick' }]);
  });

  it('close live sessions, and show a token as its fingerprint only', async () => {
    const session = hit('cam1', 1, { token: 's3cret' });
    const made = await call('POST', '/denials', { token: 's3cret' });
    expect(made.body.target).toEqual({ token_fingerprint: session.tokenFingerprint });
    expect(made.text + (await call('GET', '/denials')).text).not.toContain('s3cret');
    expect(tracker.get(session.id)?.closeReason).toBe('denied');
  });

  it.each([
    [{}, 'empty target'],
    [{ target: {} }, 'empty target'],
    [{ target: { stream_cod: 'x' } }, 'Known: session, user'],
    [{ target: { stream: 'x', stream_code: 'y' } }, 'twice'],
    [{ target: { ip: 'everybody' } }, 'neither an address nor a CIDR'],
    [{ target: { ip: 7 } }, 'ip'],
    [{ target: [] }, 'target must be an object'],
    [{ target: { ip: '1.2.3.4' }, for: 60 }, 'Known: target, deny_for, reason'],
    [{ ip: '1.2.3.4', deny_for: '60' }, 'deny_for'],
    [{ ip: '1.2.3.4', deny_for: -1 }, 'deny_for'],
    [{ ip: '1.2.3.4', reason: 7 }, 'reason'],
    [{ ip: '1.2.3.4', __proto__x: 7 }, 'Unknown field'],
    ['[]', 'JSON object'],
    ['nonsense', 'not valid JSON'],
    ['{"__proto__":{"ip":"1.2.3.4"}}', 'Unknown field'],
  ])('are rejected if it is not clear who is meant: %j', async (body, message) => {
    const answer = await call('POST', '/denials', body);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'INVALID_BODY' } } });
    expect(answer.body.error.message).toContain(message);
    expect(tracker.denials()).toEqual([]);
  });

  it('require a JSON content type, and a body that is not too long', async () => {
    expect(
      (await call('POST', '/denials', 'ip=1.2.3.4', { 'content-type': 'application/x-www-form-urlencoded' })).status,
    ).toBe(415);
    expect((await call('POST', '/denials', '{"ip":"1.2.3.4"}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await call('POST', '/denials', { ip: '1.2.3.4', reason: 'x'.repeat(70_000) })).status).toBe(413);
    const chunked = await call('POST', '/denials', `{"reason":"${'x'.repeat(70_000)}"}`, {
      'transfer-encoding': 'chunked',
    });
    expect(chunked.status).toBe(413);
    expect(tracker.denials()).toEqual([]);
  });

  it('are understood after a body parser', async () => {
    await closeServers();
    await start({}, (api) => express().use(express.json()).use('/api', api));
    expect((await call('POST', '/denials', { ip: '1.2.3.4' })).status).toBe(201);
  });

  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  it.each<[string, Parameters<typeof call>[2], Record<string, string>, number]>([
    ['a form with fields', 'ip=1.2.3.4&reason=x', form, 415],
    ['a form without fields', '', form, 415],
    ['a form that says it is something else', 'ip=1.2.3.4', { 'content-type': 'text/plain' }, 415],
    ['something without a type', '{"ip":"1.2.3.4"}', { 'content-type': '' }, 415],
    ['JSON', '{"ip":"1.2.3.4"}', {}, 201],
  ])('give the same result whichever parser read them: %s', async (_what, body, headers, status) => {
    for (const app of [express, express4]) {
      await closeServers();
      const parsers = [app.json(), app.urlencoded({ extended: true }), app.text(), app.raw()];
      await start(
        {},
        (api) =>
          app()
            .use(...(parsers as never[]))
            .use('/api', api as never) as never,
      );
      expect([app === express, (await call('POST', '/denials', body, headers)).status]).toEqual([
        app === express,
        status,
      ]);
      expect(tracker.denials()).toHaveLength(status === 201 ? 1 : 0);
      expect((await call('POST', '/invalidate', body === '' ? '' : body, headers)).status).toBe(
        status === 201 ? 400 : 415,
      );
    }
  });

  it('are read if a parser left the body as text or bytes', async () => {
    for (const parser of [express.text({ type: '*/*' }), express.raw({ type: '*/*' })]) {
      await closeServers();
      await start({}, (api) => express().use(parser).use('/api', api));
      expect((await call('POST', '/denials', { ip: '1.2.3.4' })).status).toBe(201);
      expect((await call('POST', '/invalidate')).status).toBe(200);
    }
  });
});

describe('the other routes', () => {
  it('ask the policies again', async () => {
    const answer = { allow: true } as { allow: boolean };
    await closeServers();
    await start({
      policies: [
        { name: 'p', admit: () => (answer.allow ? { allow: true } : { allow: false, reason: 'unauthorized' }) },
      ],
    });
    void tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '10.0.0.1' });
    void tracker.admit({ stream: 'cam2', protocol: 'hls', ip: '10.0.0.1' });
    answer.allow = false;
    expect((await call('POST', '/invalidate', { streams: 'cam1' })).body).toMatchObject({
      asked: 1,
      kept: 0,
      closed: 1,
    });
    expect((await call('POST', '/invalidate')).body).toEqual({ asked: 1, kept: 0, closed: 1, denials_lifted: 0 });
    expect((await call('POST', '/invalidate', { stream: 'cam1' })).body.error.message).toContain('Known: streams');
    expect((await call('POST', '/invalidate', { streams: [1] })).status).toBe(400);
  });

  it('let policies decide again about a user or a session', async () => {
    await closeServers();
    const allowed = new Set(['ann', 'bob']);
    const policy: Policy = {
      name: 'p',
      admit: ({ token = '' }) =>
        allowed.has(token) ? { allow: true, userId: token } : { allow: false, reason: 'unauthorized', denyForMs: 1e6 },
    };
    await start({ policies: [policy] });
    const admit = (token: string) =>
      tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '10.0.0.1', token }) as { admitted: boolean };
    admit('ann');
    admit('bob');
    const [ann] = tracker.list({ user: 'ann' });
    expect((await call('POST', '/reauthorize', { session_id: ann!.id })).body).toMatchObject({ asked: 1, kept: 1 });
    allowed.delete('bob');
    expect((await call('POST', '/reauthorize', { user: 'bob' })).body).toMatchObject({ asked: 1, closed: 1 });
    for (const body of [{}, { user: '' }, { user: 5 }, { usr: 'bob' }, { session_id: null }]) {
      expect((await call('POST', '/reauthorize', body)).body).toMatchObject({ error: { code: 'INVALID_BODY' } });
    }
    const { sessions } = (await call('GET', '/sessions?user=bob&reason=unauthorized')).body;
    expect(sessions).toMatchObject([{ user_name: 'bob', close_reason: 'unauthorized' }]);
    expect((await call('GET', '/sessions?reason=idle')).body.sessions).toEqual([]);
  });

  it('explain sessions and denials, and show no token', async () => {
    await closeServers();
    const no = { allow: false as const, reason: 'no', detail: 'not today', denyForMs: 1e6 };
    await start({ policies: [{ name: 'p', admit: ({ token }) => (token === 's3cret' ? { allow: true } : no) }] });
    const admit = (token: string) => tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '10.0.0.1', token });
    void admit('s3cret');
    void admit('wr0ng');
    const [session] = tracker.list();
    const [denial] = tracker.denials();
    const why = await call('GET', `/sessions/${session!.id}/explain`);
    expect(why.body).toMatchObject({
      recipe: ['stream', 'ip', 'token'],
      matched: { stream_code: 'cam1', ip: '10.0.0.1', token: session!.tokenFingerprint },
      policies: [{ policy: 'p', allowed: true, at: new Date(clock.now()).toISOString() }],
      idle_at: new Date(clock.now() + 30_000).toISOString(),
    });
    const denied = await call('GET', `/denials/${denial!.id}/explain`);
    expect(denied.body).toMatchObject({
      policies: [{ policy: 'p', allowed: false, reason: 'no', detail: 'not today' }],
      denial: { id: denial!.id, by: 'policy', hits: 1 },
    });
    expect(why.text + denied.text).not.toMatch(/s3cret|wr0ng/);
    expect((await call('GET', '/sessions/nobody/explain')).status).toBe(404);
  });

  it('show the counters', async () => {
    hit('cam1');
    expect((await call('GET', '/stats')).body).toEqual({
      active: 1,
      opened_total: 1,
      resumed_total: 0,
      waiting: 0,
      closed_total: 0,
      idle_closed_total: 0,
      kicked_total: 0,
      denied_total: 0,
      overload_total: 0,
      dropped_events_total: 0,
      viewers: 1,
      inputs: 0,
      outputs: 0,
      bytes_total: 10,
      received_bytes_total: 0,
      watch_seconds_total: 0,
      handovers_total: 0,
      closed_by_reason: {},
      denied_by_reason: {},
      policies: [],
      sinks: [],
    });
    expect((await call('GET', '/stats?x=1')).status).toBe(400);
  });

  it.each([
    ['POST', '/sessions', 'GET, HEAD'],
    ['PUT', '/sessions/x', 'GET, HEAD, DELETE'],
    ['GET', '/invalidate', 'POST'],
    ['OPTIONS', '/denials', 'GET, HEAD, POST'],
  ])('name the allowed methods instead of %s %s', async (method, path, allow) => {
    const answer = await call(method, path);
    expect(answer).toMatchObject({ status: 405, headers: { allow } });
    expect(answer.body).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } });
  });

  it.each(['urlencoded', 'text', 'json'] as const)(
    'are read where %s() of Express 4 has not read them',
    async (parser) => {
      await closeServers();
      const parse = express4[parser]({ type: 'application/vnd.api+json', extended: false });
      await start({}, (api) =>
        express4()
          .use(parse)
          .use('/api', api as never),
      );
      expect((await call('POST', '/denials', { ip: '192.0.2.1' })).status).toBe(201);
      expect(tracker.denials()).toMatchObject([{ target: { ip: '192.0.2.1' } }]);
      expect((await call('POST', '/invalidate', { streams: 'cam1' })).body).toMatchObject({ asked: 0 });
      expect((await call('POST', '/invalidate', {})).status).toBe(200);
    },
  );

  it.each<[string, (api: ApiHandler) => unknown]>([
    ['Express 4', (api) => express4().use('/api', api)],
    ['Express 5, at the root', (api) => express().use(api)],
    ['connect', (api) => connect().use('/api', api as never)],
    ['plain http', (api) => (req: http.IncomingMessage, res: http.ServerResponse) => api(req, res)],
  ])('work in %s', async (name, mount) => {
    await closeServers();
    await start({}, mount as never);
    if (name.includes('root') || name.includes('plain')) url = url.replace('/api', '');
    expect((await call('GET', '/sessions/')).body).toMatchObject({ total_count: 0 });
    expect((await call('GET', '/nothing')).status).toBe(404);
    expect((await call('DELETE', '/sessions/x')).body).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });

  it('refuse unknown options', () => {
    expect(() => sessionsApi(tracker, { authorise: () => true } as never)).toThrow('Did you mean "authorize"?');
    expect(() => sessionsApi(tracker, { authorize: true } as never)).toThrow('authorize must be a function');
    for (const more of [
      { key: 'x'.repeat(20) },
      { keyFile: 'x' },
      { keyFile: false as const },
      { url: 'http://x' },
      { announce() {} },
    ]) {
      expect(() => sessionsApi(tracker, { authorize: () => true, ...more })).toThrow(
        'no use where "authorize" decides',
      );
    }
    for (const wrong of [{ kinds: [] }, { kinds: 'viewer' }, { kinds: ['watcher'] }, { compat: 'flussonic' }]) {
      expect(() => sessionsApi(tracker, { authorize: () => true, ...wrong } as never)).toThrow(/must be/);
    }
  });
});
