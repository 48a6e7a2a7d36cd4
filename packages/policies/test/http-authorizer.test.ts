import fc from 'fast-check';
import { concurrencyPolicy, httpAuthorizer, type HttpAuthorizerOptions } from '@stream-sessions/policies';
import type { Policy, TrackerOptions } from '@stream-sessions/core';
import { say, startAuthoriser, type Authoriser } from './support/authoriser.js';
import { ask, connect, denialOf, hit, live, sessionOf, stopAll, world } from './support/make.js';
import { pace } from '../../../test/support/until.js';

let authoriser: Authoriser;
beforeEach(async () => (authoriser = await startAuthoriser()));
afterEach(async () => {
  await stopAll();
  await authoriser.goDown();
});

const setup = (over: Partial<HttpAuthorizerOptions> = {}, options: TrackerOptions = {}, ...others: Policy[]) =>
  world([httpAuthorizer({ url: authoriser.url, retries: 0, ...over }), ...others], {
    idleTimeoutMs: 3_600_000,
    ...options,
  });

/** The tracker's clock is not the wall's: what a server has to answer is waited for in real time. */
async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 1_000) throw new Error(`never: ${what}`);
    await pace(5);
  }
}

describe('httpAuthorizer', () => {
  it('asks once for a new viewer, however many requests arrive together, and never per segment', async () => {
    const { tracker } = setup();
    const [answers] = [
      await Promise.all(Array.from({ length: 50 }, (_, n) => ask(tracker, { token: 'a', url: `/${n}` }))),
    ];
    expect(answers.every(({ admitted }) => admitted)).toBe(true);
    for (let n = 0; n < 100; n++) await ask(tracker, { token: 'a', url: `/cam1/${n}.ts` });
    expect(authoriser.questions).toHaveLength(1);
    expect(live(tracker)).toHaveLength(1);
  });

  it('sends who asks for what, with the field names of the API', async () => {
    const { tracker } = setup({ headers: { 'x-key': 'k' } }, { geo: { country: () => 'NL' } });
    const answer = await ask(tracker, {
      token: 'a',
      query: 'token=a&x=1',
      url: '/cam1/index.m3u8?token=a&x=1',
      referer: 'https://p/',
      secure: true,
    });
    const [question] = authoriser.questions;
    expect(JSON.parse(question!.body)).toEqual({
      stream_code: 'cam1',
      proto: 'hls',
      kind: 'viewer',
      ip: '203.0.113.7',
      token: 'a',
      url: '/cam1/index.m3u8?token=a&x=1',
      query_string: 'token=a&x=1',
      user_agent: 'player/1.0',
      referer: 'https://p/',
      country: 'NL',
      secure: true,
      session_id: sessionOf(answer).id,
    });
    expect(question!.headers).toMatchObject({ 'content-type': 'application/json', 'x-key': 'k' });
  });

  it.each(['json', 'mistserver', 'mediamtx'] as const)(
    'does not send a password that is in a URL: %s',
    async (payload) => {
      authoriser.answer = say(200, 'true');
      const policy = httpAuthorizer({ url: authoriser.url, payload });
      const { tracker } = world([policy]);
      const view = { now: 0, count: () => 0, list: () => [], activeAt: () => undefined, rate: () => 0 };
      for (const url of [
        'rtsp://bob:hunter2@h:554/live/cam1',
        'rtsp://bob:hun@ter2@h/cam1?x=1',
        'HTTP://bob:hunter2@h/',
      ]) {
        await connect(tracker, { protocol: 'rtsp', url, token: `${url.length}` });
        // and from a tracker that leaves it in
        await policy.admit?.({ stream: 'cam1', protocol: 'rtsp', ip: '203.0.113.7', url }, view);
      }
      expect(authoriser.questions).toHaveLength(6);
      expect(JSON.stringify(authoriser.questions)).not.toMatch(/hun@?ter2|bob/);
    },
  );

  it('lets an answer say when the login was issued', async () => {
    const { tracker, clock } = setup();
    const issuedBefore = clock.now();
    tracker.deny({ user: 'bob', issuedBefore });
    const answers: boolean[] = [];
    for (const ms of [issuedBefore, issuedBefore + 1_000]) {
      for (const issued_at of [new Date(ms).toISOString(), ms, Math.floor(ms / 1_000)]) {
        authoriser.answer = say(200, { allow: true, user_id: 'bob', issued_at });
        answers.push((await ask(tracker, { token: `t${String(issued_at)}` })).admitted);
      }
    }
    expect(answers).toEqual([false, false, false, true, true, true]);
  });

  it('lets an answer set the user, the limit, the end, tags and a pass', async () => {
    const passes: (string | undefined)[] = [];
    const pass: Policy = { name: 'pass', stage: 'pass', admit: ({ pass }) => (passes.push(pass), { allow: true }) };
    const { tracker, clock } = setup({}, {}, concurrencyPolicy({ max: 1 }), pass);
    const end = clock.now() + 60_000;
    for (const expires_at of [new Date(end).toISOString(), end, end / 1000]) {
      authoriser.answer = say(200, {
        allow: true,
        user_id: 'bob',
        maxSessions: 5,
        expires_at,
        tags: { a: 'b' },
        pass: 'p1',
      });
      const session = sessionOf(await ask(tracker, { token: `t${String(expires_at)}` }));
      expect(session).toMatchObject({ userId: 'bob', tags: { a: 'b' } });
      expect(tracker.explain(session.id)?.expiresAt).toBe(end);
    }
    expect(passes).toEqual(['p1', 'p1', 'p1']);
    clock.advance(61_000);
    expect(live(tracker)).toEqual([]);
  });

  it.each<[number, unknown, string]>([
    [401, '', 'the authoriser answered 401'],
    [200, 'false', 'the authoriser said no'],
    [200, { allow: false, reason: 'unpaid' }, 'the authoriser said no'],
    [200, { allow: false, detail: 'since May' }, 'since May'],
    [503, 'later', 'the authoriser gave no clear answer: status 503'],
    [200, '<html>', 'the authoriser gave no clear answer: a body that is not JSON'],
    [200, [true], 'the authoriser gave no clear answer: JSON that says no "allow"'],
    [200, { allow: 1 }, 'the authoriser gave no clear answer: an "allow" that is neither true nor false'],
    ...['{}', '12345678901234567890', '-9007199254740993', '1e999'].map((id): [number, unknown, string] => [
      200,
      `{"allow":true,"user_id":${id}}`,
      'the authoriser gave no clear answer: a yes whose "userId" is not a string of 1 to 1024 characters, or a number up to 9007199254740991',
    ]),
    [
      200,
      { allow: true, max_sessions: 1.5 },
      'the authoriser gave no clear answer: a yes whose "maxSessions" is not a non-negative integer',
    ],
    [
      200,
      { allow: true, tags: { a: 'x'.repeat(257) } },
      'the authoriser gave no clear answer: a yes whose "tags" is not an object of at most 32 strings',
    ],
    ...[
      ...['soon', '5', '2026-01-01', '2026-01-01T00:00:00', 1e300, '9999999-01-01T00:00:00Z'],
      ...['2027-02-29T00:00:00Z', '2027-02-30 00:00:00+01:00', '2027-04-31T00:00:00Z'],
    ].map((expires_at): [number, unknown, string] => [
      200,
      { allow: true, expires_at },
      'the authoriser gave no clear answer: a yes whose "expiresAt" is not a time: RFC 3339, epoch milliseconds or seconds',
    ]),
    [200, ' '.repeat(65_537), 'the authoriser gave no clear answer: the answer is longer than 65536 bytes'],
  ])('takes the reason from the answer: %i %j', async (status, body, detail) => {
    authoriser.answer = say(status, body);
    expect(denialOf(await ask(setup().tracker, { token: 'a' })).detail).toBe(detail);
  });

  it('says why if there is no answer at all', async () => {
    const told = async (timeoutMs: number) => denialOf(await ask(setup({ timeoutMs }).tracker)).detail;
    authoriser.answer = () => undefined;
    expect(await told(100)).toBe('the authoriser gave no clear answer: no answer within 100 ms');
    authoriser.answer = (res) => res.destroy();
    expect(await told(10_000)).toBe('the authoriser gave no clear answer: the connection failed (ECONNRESET)');
    await authoriser.goDown();
    expect(await told(10_000)).toBe('the authoriser gave no clear answer: the connection failed (ECONNREFUSED)');
  });

  it.each<[number, unknown, object]>([
    [401, '', { reason: 'unauthorized', kind: 'credentials' }],
    [403, 'no', { reason: 'unauthorized', kind: 'forbidden' }],
    [404, '', { kind: 'forbidden' }],
    [200, 'false', { kind: 'forbidden' }],
    [200, { allow: false }, { reason: 'unauthorized', kind: 'forbidden' }],
    [
      200,
      { allow: false, reason: 'unpaid', kind: 'limit', detail: 'since May' },
      { reason: 'unpaid', kind: 'limit', detail: 'since May' },
    ],
  ])('takes %i %j for a refusal, and does not ask again for a while', async (status, body, denial) => {
    authoriser.answer = say(status, body);
    const { tracker, clock } = setup();
    expect(denialOf(await ask(tracker, { token: 'a' }))).toMatchObject(denial);
    for (let i = 0; i < 5; i++) denialOf(await ask(tracker, { token: 'a' }));
    expect(authoriser.questions).toHaveLength(1);
    authoriser.answer = say(204);
    sessionOf(await ask(tracker, { token: 'logged-in' }));
    clock.advance(600_001);
    sessionOf(await ask(tracker, { token: 'a' }));
  });

  it('lets nobody join a live session with a credential that it refuses', async () => {
    authoriser.answer = (res, body) => say(/"(token|bearer)":"good"/.test(body) ? 200 : 401)(res);
    const { tracker } = setup({}, { identity: { viewer: ['stream', 'ip'] } });
    const bearer = (token: string) => ({ credentials: { scheme: 'bearer' as const, token } });
    sessionOf(await ask(tracker, { token: 'good' }));
    for (const wrong of [{ token: 'bad' }, {}, bearer('bad'), { token: 'bad', ...bearer('bad') }]) {
      expect(denialOf(await ask(tracker, wrong)).kind).toBe('credentials');
    }
    sessionOf(await ask(tracker, bearer('good')));
    sessionOf(await ask(tracker, { token: 'good' }));
    expect(live(tracker)).toHaveLength(1);
  });

  it('is not asked with every request of a player that sends a password', async () => {
    const { tracker } = setup();
    const credentials = () => ({ scheme: 'basic' as const, user: 'bob', verify: () => true });
    for (let i = 0; i < 20; i++) await ask(tracker, { credentials: credentials() });
    expect(authoriser.questions).toHaveLength(1);
    expect(authoriser.questions[0]!.body).not.toContain('bob');
  });

  it('is not asked again by a player that another policy keeps out and that keeps retrying', async () => {
    const { tracker, clock } = setup({}, {}, concurrencyPolicy({ per: 'stream', max: 0 }));
    for (let i = 0; i < 20; i++) denialOf(await ask(tracker, { token: 'a' }));
    expect(authoriser.questions).toHaveLength(1);
    clock.advance(5_000);
    denialOf(await ask(tracker, { token: 'a' }));
    expect(authoriser.questions).toHaveLength(2);
  });

  it('is asked again although the clock was set back: what it said may be long ago', async () => {
    const { tracker, clock } = setup({}, {}, concurrencyPolicy({ per: 'stream', max: 0 }));
    denialOf(await ask(tracker, { token: 'a' }));
    clock.jump(-3_600_000);
    denialOf(await ask(tracker, { token: 'a' }));
    expect(authoriser.questions).toHaveLength(2);
  });

  it('asks for publishers, but not for pushes by the server itself', async () => {
    authoriser.answer = say(403);
    const { tracker } = setup();
    denialOf(await connect(tracker, { kind: 'input' }));
    sessionOf(await connect(tracker, { kind: 'output' }));
    const mist = setup({ payload: 'mistserver' });
    sessionOf(await connect(mist.tracker, { kind: 'input' }));
  });
});

describe('an authoriser that could never be asked', () => {
  const url = 'http://127.0.0.1:1/';

  it.each<[string, Partial<HttpAuthorizerOptions>]>([
    ['no URL', { url: 'authoriser' }],
    ['another scheme', { url: 'ftp://h/' }],
    ['a name and password', { url: 'https://me:hunter2@h/auth' }],
    ['a name alone', { url: new URL('https://hunter2@h/auth') }],
    ['a password in what is no URL', { url: 'me:hunter2@h/auth' }],
    ['a header name with a blank', { headers: { 'x key': 'k' } }],
    ['a header name that is empty', { headers: { '': 'k' } }],
    ['a header name with a line break', { headers: { 'x\r\ny': 'k' } }],
    ['a header twice', { headers: { 'x-key': 'k', 'X-Key': 'l' } }],
    ['a header that frames the request', { headers: { 'Content-Length': '3' } }],
    ['a header with a line break', { headers: { authorization: 'Bearer hunter2\r\n' } }],
    ['a header with a letter that it cannot have', { headers: { authorization: 'hunter2 \u{1F511}' } }],
    ['a header that is not set', { headers: { 'x-key': undefined as never } }],
    ['a header that is a list', { headers: { 'x-key': ['k'] as never } }],
    ['headers that are a list', { headers: ['x-key'] as never }],
    ['no headers', { headers: null as never }],
    ['a time that no timer has', { timeoutMs: Infinity }],
    ['a broken time', { timeoutMs: 1.5 }],
    ['no time', { timeoutMs: 0 }],
    ['retries without end', { retries: Infinity }],
    ['half a retry', { retries: 0.5 }],
    ['nobody it is about', { kinds: [] }],
    ['an unknown payload', { payload: 'xml' as never }],
  ])('throws at once: %s', (_, options) => {
    const make = () => httpAuthorizer({ url, onUnavailable: 'allow', ...options });
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
    expect(make).not.toThrow(/hunter2/);
  });

  it('cannot be made: with any headers that it accepts, the question arrives', async () => {
    const name = fc.oneof(
      fc.constantFrom('Authorization', 'content-type', 'Host', 'accept', 'Cookie', 'Range', 'TE', 'Trailer', 'Upgrade'),
      fc.constantFrom('Connection', 'Keep-Alive', 'Transfer-Encoding', 'Content-Length', 'Expect', 'Date', 'Via'),
      fc.string({ minLength: 1, maxLength: 8 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
    );
    const value = fc.oneof(
      fc.constantFrom('k', '', ' ', 'close', 'chunked', '100-continue', '5', 'websocket', 'é'),
      fc.string({ unit: 'binary', maxLength: 6 }),
    );
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { minKeys: 1, maxKeys: 2 }), async (headers) => {
        let policy: Policy;
        try {
          policy = httpAuthorizer({ url: authoriser.url, retries: 0, headers });
        } catch {
          return;
        }
        sessionOf(await ask(world([policy]).tracker, { token: 'a' }));
        expect(authoriser.questions).toHaveLength(++asked);
        expect(JSON.parse(authoriser.questions.at(-1)!.body)).toMatchObject({ stream_code: 'cam1', token: 'a' });
      }),
      { numRuns: 200 },
    );
    expect(asked).toBeGreaterThan(5);
  });

  it('sends a name and password as a header, and its own content type if configured', async () => {
    const headers = { Authorization: 'Basic bWU6aHVudGVyMg==', 'Content-Type': 'application/vnd.api+json' };
    await ask(setup({ headers }).tracker);
    expect(authoriser.questions[0]!.headers).toMatchObject({
      authorization: 'Basic bWU6aHVudGVyMg==',
      'content-type': 'application/vnd.api+json',
    });
  });
});

describe('the other payloads', () => {
  it('mistserver: the body of USER_NEW, into which a viewer cannot inject a line', async () => {
    authoriser.answer = say(200, 'true\n');
    const { tracker } = setup({ payload: 'mistserver' });
    const first = sessionOf(await ask(tracker, { token: 'a\nb', url: '/cam1/index.m3u8?token=a%0Ab' }));
    const second = sessionOf(await connect(tracker, { protocol: 'srt', token: 'c' }));
    expect(authoriser.questions.map(({ body }) => body.split('\n'))).toEqual([
      ['cam1', '203.0.113.7', 'a%0Ab', 'HLS', '/cam1/index.m3u8?token=a%0Ab', first.id],
      ['cam1', '203.0.113.7', 'c', 'TSSRT', '', second.id],
    ]);
    expect(authoriser.questions[0]!.headers).toMatchObject({ 'x-trigger': 'USER_NEW', 'content-type': 'text/plain' });
  });

  it.each<[string, string]>([
    ...['1', 'true', 'YES', ' yes \r\n', 'cont', 'continue'].map((text): [string, string] => [text, 'yes']),
    ...['0', 'false', 'No', '', '\n', 'off', 'y', 'T', 'on', 'n', 'f'].map((text): [string, string] => [text, 'no']),
    ...['maybe', '<html>', 'true false', '{"allow":true}'].map((text): [string, string] => [text, 'unclear']),
  ])('mistserver: %j is %s', async (text, meaning) => {
    authoriser.answer = say(200, text);
    const answer = await ask(setup({ payload: 'mistserver' }).tracker);
    const heard = answer.admitted ? 'yes' : answer.denial.reason === 'policy_error' ? 'unclear' : 'no';
    expect(heard).toBe(meaning);
  });

  it.each(['json', 'mistserver', 'mediamtx'] as const)(
    'names the session by the id that it has in the list, from the first question on: %s',
    async (payload) => {
      authoriser.answer = say(200, 'true');
      const { tracker } = setup({ payload });
      const ids = [
        sessionOf(await ask(tracker, { token: 'a' })).id,
        sessionOf(await ask(tracker, { userAgent: 'another' })).id,
        sessionOf(await connect(tracker, { token: 'b' })).id,
        sessionOf(await connect(tracker, { id: 'its own' })).id,
      ];
      const named = () => ids.filter((id) => authoriser.questions.some(({ body }) => body.includes(id)));
      expect(named()).toEqual(ids);
      authoriser.questions.length = 0;
      expect(await tracker.invalidate()).toMatchObject({ kept: 4 });
      expect(named()).toEqual(ids);
    },
  );

  it('mediamtx: its JSON in the request, and only the status of the answer counts', async () => {
    const { tracker } = setup({ payload: 'mediamtx' });
    const asked = { kind: 'input', protocol: 'rtsp', query: 'x=1', token: 't', userAgent: 'ua' } as const;
    const { id } = sessionOf(await connect(tracker, asked));
    expect(JSON.parse(authoriser.questions[0]!.body)).toEqual({
      ...{ user: '', password: '', token: 't', ip: '203.0.113.7', action: 'publish', path: 'cam1' },
      ...{ protocol: 'rtsp', id, query: 'x=1', userAgent: 'ua' },
    });
    authoriser.answer = say(200, 'whatever');
    sessionOf(await ask(tracker, { token: 'b' }));
    expect(JSON.parse(authoriser.questions[1]!.body)).toMatchObject({ action: 'read', protocol: 'hls' });
    authoriser.answer = say(400, { allow: true });
    denialOf(await ask(tracker, { token: 'c' }));
  });
});

describe('an authoriser', () => {
  const silent = (): void => undefined;
  /** And nothing after that: without a length, the body would end with the connection. */
  const writesRaw = (text: string) => void (authoriser.answer = (res) => void res.socket?.write(text));

  /** Only those that are waited for in vain get little time: on a busy machine an answer takes some. */
  it.each<[string, () => void | Promise<void>, timeoutMs?: number]>([
    ['down', () => authoriser.goDown()],
    ['slow', () => void (authoriser.answer = silent), 500],
    ['overloaded', () => void (authoriser.answer = say(503))],
    ['limiting', () => void (authoriser.answer = say(429))],
    [
      'elsewhere',
      () => void (authoriser.answer = (res) => void res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()),
    ],
    ['lying: a page', () => void (authoriser.answer = say(200, '<html>welcome</html>'))],
    ['lying: half a yes', () => void (authoriser.answer = say(200, '{"allow":tr'))],
    ['lying: a yes in words', () => void (authoriser.answer = say(200, { allow: 'yes' }))],
    ['lying: a yes without end', () => void (authoriser.answer = say(200, { allow: true, expiresAt: 'soon' }))],
    ['lying: invalid tags', () => void (authoriser.answer = say(200, { allow: true, tags: ['a'] }))],
    ['lying: an invalid user', () => void (authoriser.answer = say(200, { allow: true, userId: {} }))],
    ['lying: an invalid number', () => void (authoriser.answer = say(200, { allow: true, maxSessions: '9' }))],
    ['lying: a million characters', () => void (authoriser.answer = say(200, ' '.repeat(1e6) + 'true'))],
    ['hanging up', () => void (authoriser.answer = (res) => res.destroy())],
    ['never at the end', () => void (authoriser.answer = (res) => void res.writeHead(200).write('{')), 500],
    ['never at the end of an empty yes', () => writesRaw('HTTP/1.1 200 OK\r\n\r\n'), 500],
    ['never at the end of a whole yes', () => writesRaw('HTTP/1.1 200 OK\r\n\r\ntrue'), 500],
    [
      'changing the protocol',
      () => writesRaw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n'),
    ],
  ])('that is %s: new viewers come in with allow only, live ones stay with allow and keep', async (...row) => {
    const [, breakIt, timeoutMs = 5_000] = row;
    const modes = (['allow', 'deny', 'keep'] as const).map((onUnavailable) => ({
      onUnavailable,
      ...setup({ onUnavailable, timeoutMs }),
    }));
    for (const { tracker } of modes) {
      authoriser.answer = say(200, {
        allow: true,
        userId: 'bob',
        expiresAt: new Date(Date.UTC(2026, 0, 2)).toISOString(),
      });
      sessionOf(await ask(tracker, { token: 'old' }));
    }
    await breakIt();
    for (const { tracker, onUnavailable, log } of modes) {
      const answer = await ask(tracker, { token: 'new' });
      expect(answer.admitted).toBe(onUnavailable === 'allow');
      if (!answer.admitted) expect(answer.denial).toMatchObject({ reason: 'policy_error', kind: 'overload' });
      expect(tracker.denials()).toEqual([]);
      const { id } = live(tracker).find(({ userId }) => userId === 'bob')!;
      expect(await tracker.reauthorize({ user: 'bob' })).toMatchObject(
        onUnavailable === 'deny' ? { closed: 1 } : { kept: 1 },
      );
      if (onUnavailable !== 'deny') {
        expect(tracker.explain(id)?.expiresAt).toBe(Date.UTC(2026, 0, 2));
        // with a token that nobody has vouched for, being somebody else's session does not help
        tracker.updateConfig({ identity: { viewer: ['stream', 'ip'] } });
        expect((await ask(tracker, { token: 'wrong' })).admitted).toBe(onUnavailable === 'allow');
      }
      expect(log.join()).not.toMatch(/wrong|"new"|"old"/);
    }
  });

  it('that fails now and then is asked again at once, as often as configured', async () => {
    authoriser.answer = (res, _, nth) => say(nth % 3 === 0 ? 200 : 500, 'true')(res);
    const { tracker } = setup({ retries: 2 });
    for (const token of ['a', 'b', 'c']) sessionOf(await ask(tracker, { token }));
    expect(authoriser.questions).toHaveLength(9);
    const once = setup({ retries: 1 });
    denialOf(await ask(once.tracker));
    sessionOf(await ask(once.tracker));
  });

  it('that comes back is believed again', async () => {
    const { tracker } = setup();
    await authoriser.goDown();
    denialOf(await ask(tracker));
    await authoriser.comeBack();
    sessionOf(await ask(tracker));
  });

  it('that does not answer before the viewer has gone opens nothing', async () => {
    const { tracker } = setup({ timeoutMs: 300 });
    authoriser.answer = (res) => void setTimeout(() => say(200, 'true')(res), 50);
    const pending = tracker.admit(hit());
    if (!('cancel' in pending)) throw new Error('answered at once');
    pending.cancel();
    await pending;
    expect(live(tracker)).toEqual([]);
  });
});

describe('asking again', () => {
  const played = async (tracker: ReturnType<typeof setup>['tracker'], token: string) => {
    const admission = await tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7:1', token });
    if (!admission.admitted) throw new Error('refused');
    return admission.handle;
  };

  it('happens at intervals, in the background; refused sessions are cut, the others notice nothing', async () => {
    const { tracker, clock } = setup({ reauthorizeEveryMs: 60_000 }, { policyTimeoutMs: 600_000 });
    const [good, bad] = [await played(tracker, 'good'), await played(tracker, 'bad')];
    authoriser.answer = (res, body) => say(body.includes('"bad"') ? 403 : 200)(res);
    const cuts: string[] = [];
    good.onCut((reason) => void cuts.push(`good ${reason}`));
    bad.onCut((reason) => void cuts.push(`bad ${reason}`));
    clock.advance(53_000);
    expect(authoriser.questions).toHaveLength(2);
    clock.advance(8_000);
    await until('one is cut', () => cuts.length > 0);
    expect(cuts).toEqual(['bad unauthorized']);
    const heardAt = () => tracker.explain(live(tracker)[0]?.id ?? '')?.policies[0]?.at ?? 0;
    await until('the other was answered about', () => heardAt() === clock.now());
    expect(authoriser.questions).toHaveLength(4);
    clock.advance(61_000);
    await until('the other is asked about again', () => authoriser.questions.length === 5);
    expect(live(tracker)).toHaveLength(1);
  });

  it('after invalidate cuts only refused sessions, on the given streams', async () => {
    const { tracker } = setup();
    for (const stream of ['cam1', 'cam2']) for (const token of ['a', 'b']) await ask(tracker, { stream, token });
    authoriser.answer = (res, body) => say(body.includes('"a"') ? 403 : 200)(res);
    expect(await tracker.invalidate('cam1')).toMatchObject({ asked: 2, kept: 1, closed: 1 });
    expect(live(tracker)).toHaveLength(3);
    denialOf(await ask(tracker, { token: 'a' }));
    sessionOf(await ask(tracker, { token: 'b' }));
    sessionOf(await ask(tracker, { token: 'a', stream: 'cam2' }));
  });
});

it.each<[object]>([
  [{ url: 'ftp://x' }],
  [{ url: 'nowhere' }],
  [{ payload: 'xml' }],
  [{ onUnavailable: 'hope' }],
  [{ timeoutMs: 0 }],
  [{ retries: -1 }],
  [{ reauthorizeEveryMs: NaN }],
  [{ timeout: 5 }],
])('httpAuthorizer refuses %j', (options) => {
  expect(() => httpAuthorizer({ url: 'http://127.0.0.1/', ...options })).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_OPTION' }),
  );
});
