import type { HttpHit, Policy, SessionTracker, TrackerOptions } from '../src/index.js';
import { KeyedHash } from '../src/identity/keyed-hash.js';
import { bytesEach, Request } from './support/heap.js';
import { conn, deferred, hit, letIn, live, must, now, pending, setup } from './support/make.js';

/** What a session, and a stream of its own, cost beside their texts (2,000), and what else may happen to a heap meanwhile. */
const BARE = 4_000;
const allow: Policy = { name: 'p', stage: 'authorise', admit: () => ({ allow: true }) };

const addressOf = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;

/** The longest of everything, nothing of it ever seen before, cut from one text of 24 KB. */
const longest = (i: number, wide = false): HttpHit => {
  const request = new Request(24_576, wide);
  return hit({
    stream: request.part(256),
    ip: addressOf(i),
    token: request.part(4_096),
    userAgent: request.part(3_000),
    referer: request.part(3_000),
    query: request.part(3_000),
    url: request.part(8_192),
    sid: request.part(256),
    playerSessionId: request.part(256),
  });
};
/** Of these a session keeps: stream (its own, and as the key of its entry), token, agent, referer, query, sid, playback session. */
const TEXTS = 256 + 4_096 + 3 * 2_048 + 2 * 256;

/** What it hashed lately takes its memory before anything is measured. */
function quick(options: TrackerOptions = {}): SessionTracker {
  const { tracker } = setup({ autoStart: false, closedRetentionMs: 0, ...options });
  for (let i = 0; i < 2_000; i++) tracker.deny({ token: new Request(2_048).part(2_048) }, { forMs: 0 });
  return tracker;
}

// The first of everything makes what stays: code, shapes, and what was hashed lately.
beforeAll(async () => {
  const tracker = quick({ policies: [allow] });
  await bytesEach(300, async (i) => letIn(await tracker.admit(longest(i))));
  tracker.kickAll({ kind: 'viewer' });
});

describe('what a stranger can make the tracker keep', () => {
  it.each([
    ['', false],
    [', of two bytes a character', true],
  ])('is bounded text of its session%s', async (_, wide) => {
    const tracker = quick();
    const each = await bytesEach(400, (i) => void must(tracker.trackHttp(longest(i, wide))));
    expect(each).toBeGreaterThan(TEXTS * 0.8);
    expect(each).toBeLessThan((wide ? 2 : 1) * TEXTS + BARE);
    expect(live(tracker)).toHaveLength(400);
  });

  it('is the same for a closed session, without its token', async () => {
    const tracker = quick({ closedRetentionMs: 1e9 });
    const each = await bytesEach(400, (i) => {
      tracker.kick(must(tracker.trackHttp(longest(i))).id, { denyForMs: 0 });
    });
    expect(each).toBeLessThan(TEXTS - 4_096 + BARE);
    expect(tracker.count()).toBe(400);
  });

  it('is short for earlier names of a session', async () => {
    const tracker = quick();
    const each = await bytesEach(200, (i) => {
      const { token, stream, ip } = longest(i);
      for (let name = 0; name < 18; name++) {
        const { userAgent, sid, playerSessionId } = longest(i);
        tracker.trackHttp(hit({ token, stream, ip, userAgent, sid, playerSessionId }));
      }
    });
    expect(each).toBeLessThan(4_096 + 2_048 + 3 * 256 + 16 * 300 + BARE + 500);
    expect(live(tracker)).toHaveLength(200);
  });

  it('is short for judged credentials, none of them in clear', async () => {
    const tracker = quick({ policies: [allow] });
    const each = await bytesEach(200, (i) => {
      const { token, stream, ip } = longest(i);
      for (let credential = 0; credential < 18; credential++) {
        const bearer = new Request().part(8_192);
        letIn(now(tracker.admit(hit({ token, stream, ip, credentials: { scheme: 'bearer', token: bearer } })))).end();
      }
    });
    // one bearer: the one it goes by
    expect(each).toBeLessThan(256 + 4_096 + 8_192 + 16 * 750 + BARE + 1_000);
    expect(live(tracker)).toHaveLength(200);
  });

  it('is one copy of what policies are asked with again', async () => {
    const tracker = quick({ policies: [allow] });
    const each = await bytesEach(300, (i) => {
      const request = new Request();
      const query = request.part(8_000);
      const url = Buffer.from(`/live/cam1/index.m3u8?${query}`, 'latin1').toString('latin1');
      letIn(now(tracker.admit({ ...hit({ ip: addressOf(i) }), url, query: url.slice(-8_000) }))).end();
    });
    expect(each).toBeLessThan(8_192 + 2_048 + BARE);
  });

  it('is a hash while policies think', async () => {
    const answers: (() => void)[] = [];
    const thinking: Policy = {
      name: 'thinking',
      admit: () => {
        const { promise, resolve } = deferred<{ allow: false; reason: string }>();
        answers.push(() => resolve({ allow: false, reason: 'no' }));
        return promise;
      },
    };
    const tracker = quick({ policies: [thinking], maxDenials: 0 });
    const asked = Array.from({ length: 100 }, (_, i) => pending(tracker.admit(longest(i))));
    const { openings } = (tracker as unknown as { admissions: { openings: { byKey: Map<string, unknown> } } })
      .admissions;
    const keys = [...openings.byKey.keys()];
    expect([keys.length, Math.max(...keys.map(({ length }) => length))]).toEqual([100, 16]);
    answers.splice(0).forEach((answer) => answer());
    await Promise.all(asked);
    const each = await bytesEach(500, async (i) => {
      const admission = pending(tracker.admit(longest(i)));
      answers.splice(0).forEach((answer) => answer());
      await admission;
    });
    expect([openings.byKey.size, each < 2_000]).toEqual([0, true]);
  });

  it('is a hash for viewers whom a policy has refused', async () => {
    const detail = (): string => new Request().part(9_000);
    const refuse = (): { allow: false; reason: string; detail: string } => ({
      allow: false,
      reason: detail(),
      detail: detail(),
    });
    const tracker = quick({ policies: [{ name: 'no', stage: 'authorise', admit: refuse }] });
    const each = await bytesEach(400, (i) => void now(tracker.admit(longest(i))));
    // the stream it was about, and what the policy said
    expect(each).toBeLessThan(256 + 2 * (256 + 1_024) + BARE + 500);
    expect(tracker.denials()).toHaveLength(400);
  });

  it('is short for viewers whom an operator has kicked', async () => {
    const tracker = quick({ policies: [allow], identity: { viewer: ['stream', 'ip'] } });
    const each = await bytesEach(100, (i) => {
      const { stream, ip } = longest(i);
      for (let name = 0; name < 20; name++) {
        const { token, userAgent, sid, playerSessionId } = longest(i);
        const credentials = { scheme: 'bearer', token: new Request().part(8_192) } as const;
        letIn(now(tracker.admit(hit({ token, stream, ip, userAgent, sid, playerSessionId, credentials })))).end();
      }
      expect(tracker.kickAll({ stream })).toBe(1);
    });
    // patterns: 18 players, each with stream, address and a hash; and the agent that is shown
    expect(each).toBeLessThan(256 + 2_048 + 20 * 700 + BARE);
    expect(tracker.denials()).toHaveLength(100);
  });

  it('is bounded for denied viewers, and nothing for those with long texts', async () => {
    const tracker = quick();
    tracker.deny({ protocol: 'hls' });
    // every one of the memo's places is taken, and more
    const short = (i: number): HttpHit => {
      const request = new Request(2_048);
      return hit({
        ip: addressOf(i),
        userAgent: request.part(400),
        token: request.part(300),
        query: request.part(300),
      });
    };
    const each = await bytesEach(12_000, (i) => tracker.trackHttp(short(i)));
    expect(each).toBeLessThan((2 * 4_096 * 2_500) / 12_000);
    const long = await bytesEach(500, (i) => tracker.trackHttp(longest(i)));
    expect(long).toBeLessThan(1_000);
    expect(tracker.stats()).toMatchObject({ deniedTotal: 12_500, active: 0 });
  });

  it('is nothing once all have left', async () => {
    const tracker = quick({ policies: [allow] });
    const each = await bytesEach(1_000, (i) => {
      letIn(now(tracker.admit(longest(i)))).end();
      tracker.kickAll({ kind: 'viewer' }, { denyForMs: 0 });
    });
    expect(each).toBeLessThan(1_000);
  });

  it('is bounded for values that sessions share', async () => {
    const tracker = quick();
    const each = await bytesEach(20_000, (i) => {
      const request = new Request(512);
      const session = must(tracker.trackHttp(hit({ ip: addressOf(i), userAgent: request.part(250) })));
      tracker.kick(session.id, { denyForMs: 0 });
    });
    expect(each).toBeLessThan((16_384 * 500) / 20_000);
  });

  it('is bounded for credentials that were hashed lately', async () => {
    const hash = new KeyedHash('key');
    const each = await bytesEach(5_000, () => void hash.of(new Request(4_096).part(2_048)));
    expect(each).toBeLessThan((2 * 512 * 2_200) / 5_000 + 100);
  });
});

describe('what adapters and policies say about a session', () => {
  it('is kept as copies, within bounds', async () => {
    const user: Policy = {
      name: 'user',
      admit: () => {
        const request = new Request();
        return { allow: true, userId: request.part(1_024), tags: { [request.part(200)]: request.part(256) } };
      },
    };
    const tracker = quick({ policies: [user] });
    const each = await bytesEach(500, () => {
      const request = new Request();
      const handle = letIn(now(tracker.admit(conn({ id: request.part(36), userId: request.part(1_000) }))));
      handle.tag({ [request.part(256)]: request.part(256) });
      handle.report({ [request.part(64)]: request.part(256) });
    });
    expect(each).toBeLessThan(1_024 + 1_000 + 4 * 256 + 320 + 2_500);
    expect(live(tracker)).toHaveLength(500);
  });

  it.each([
    ['user name', { userId: 'u'.repeat(1_025) }],
    ['bearer token', { credentials: { scheme: 'bearer', token: 'b'.repeat(8_193) } as const }],
    ['token', { token: 't'.repeat(4_097) }],
  ])('is refused, never truncated, if two values could become one: a %s', (what, over) => {
    const tracker = quick();
    const answer = now(tracker.admit(conn(over)));
    expect(answer).toMatchObject({
      admitted: false,
      denial: { by: 'cap', detail: expect.stringContaining(`the ${what} is longer`) },
    });
  });

  it('is a refusal if it names a user whose name is too long to be kept', () => {
    const tracker = quick({ policies: [{ name: 'p', admit: () => ({ allow: true, userId: 'u'.repeat(1_025) }) }] });
    expect(now(tracker.admit(hit()))).toMatchObject({ admitted: false, denial: { reason: 'policy_error' } });
  });
});
