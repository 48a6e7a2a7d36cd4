import assert from 'node:assert/strict';
import type { DenialKind } from '../../types/denial.js';
import type { Policy, Verdict } from '../../types/policy.js';
import { stays, until } from '../until.js';
import { LONG_FILE } from './media-folder.js';
import type { HttpCase } from './world.js';

const FELT_MS = 1_000;

const refusing = (when: string, verdict: () => Verdict | Promise<Verdict>): HttpCase => ({
  name: `gives no media to a client that is refused ${when}`,
  options: { policies: [{ name: 'contract', admit: verdict }] },
  test: async (world) => {
    const { status, bodyLength } = await world.player({ token: 'stranger' }).get('cam1/seg0.ts');
    assert.equal(status, 401);
    assert.ok(bodyLength < 1_000, 'the body is a sentence, and no media');
    assert.deepEqual(world.viewers(), [], 'it has never been a viewer');
    assert.ok(world.tracker.stats().deniedTotal > 0, 'the refusal is counted');
  },
});

const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'credentials' };

const leaving = (): HttpCase => {
  let answer: ((verdict: Verdict) => void) | undefined;
  let cameToNothing = false;
  const policy: Policy = {
    name: 'contract',
    admit: () => new Promise((resolve) => (answer = resolve)),
    settled: (_candidate, session) => {
      cameToNothing = session === undefined;
    },
  };
  return {
    name: 'opens nothing for a client that leaves while the answer is pending',
    options: { policies: [policy] },
    test: async (world) => {
      const asking = world.player().ask('cam1/seg0.ts');
      await until('the policy is asked', () => answer !== undefined);
      asking.drop();
      await stays('the server hears of it a moment later than the client', () => !cameToNothing);
      answer?.({ allow: true });
      await until('the policy hears that its yes came to nothing', () => cameToNothing);
      assert.deepEqual(world.viewers(), []);
    },
  };
};

/** Refuses for the reason that the token names. */
const refusedByToken: Policy = {
  name: 'contract',
  admit: ({ token }) => ({ allow: false, reason: 'unauthorized', kind: token as DenialKind }),
};

/** Viewers who may not watch, or no longer. */
export const refusingCases = (): HttpCase[] => [
  refusing('at once', () => NO),
  refusing('later', () => new Promise((resolve) => setTimeout(() => resolve(NO), 50))),
  leaving(),
  {
    name: 'cuts a response within a second when its viewer is kicked, keeps the viewer out, and lets a neighbour play on',
    test: async (world) => {
      const player = world.player({ token: 'a', userAgent: 'kicked/1.0' });
      const kicked = await player.download(`cam1/${LONG_FILE.name}`);
      const { id } = world.viewer();
      const neighbour = world.player({ token: 'b', userAgent: 'neighbour/1.0' });
      await neighbour.get('cam1/index.m3u8');
      assert.equal(world.tracker.kick(id), true);
      await until('the response ends', () => kicked.hasEnded(), FELT_MS);
      assert.equal(kicked.isCutShort(), true);
      const counted = world.tracker.get(id)?.bytes ?? 0;
      assert.ok(counted >= kicked.received(), `${counted} bytes counted, ${kicked.received()} received`);
      assert.equal((await player.get('cam1/index.m3u8')).status, 403);
      assert.equal((await neighbour.get('cam1/seg0.ts')).status, 200);
      assert.equal(world.tracker.get(id)?.closeReason, 'kicked');
    },
  },
  {
    name: 'answers 403 under a denial, and serves again when it is lifted',
    test: async (world) => {
      const player = world.player();
      const { id } = world.tracker.deny({ ip: '127.0.0.1', stream: 'cam1' });
      assert.equal((await player.get('cam1/seg1.ts')).status, 403);
      assert.equal((await player.get('cam2/seg1.ts')).status, 200);
      world.tracker.liftDenial(id);
      assert.equal((await player.get('cam1/seg1.ts')).status, 200);
    },
  },
  {
    name: 'answers a refusal with the status of its kind',
    options: { policies: [refusedByToken] },
    test: async (world) => {
      const statusOf = async (token: string) => (await world.player({ token }).get('cam1/seg1.ts')).status;
      assert.equal(await statusOf('credentials'), 401);
      assert.equal(await statusOf('forbidden'), 403);
      assert.equal(await statusOf('limit'), 429);
      assert.equal(await statusOf('overload'), 503);
    },
  },
];
