import assert from 'node:assert/strict';
import type { PlaySession } from '../../types/play-session.js';
import type { Policy, Verdict } from '../../types/policy.js';
import { stays, until } from '../until.js';
import type { Case } from './world.js';

const YES: Verdict = { allow: true };
const NO: Verdict = { allow: false, reason: 'unauthorized', kind: 'credentials' };

/** A policy about viewers only: the publisher of their media is admitted. */
const aboutViewers = (verdict: () => Verdict | Promise<Verdict>): Policy => ({
  name: 'contract',
  admit: ({ kind }) => (kind === undefined || kind === 'viewer' ? verdict() : YES),
});

const refusing = (what: string, verdict: () => Verdict | Promise<Verdict>): Case => ({
  name: `gives no media to a client that is refused ${what}`,
  options: { policies: [aboutViewers(verdict)] },
  test: async (world) => {
    const client = await world.play({ stream: 'cam1', token: 'stranger' });
    await world.isRefused(client);
    assert.deepEqual(world.tracker.list({ kind: 'viewer' }), [], 'it has never been a session');
    assert.ok(world.tracker.stats().deniedTotal > 0, 'the refusal is counted');
  },
});

const pending = (): Case => {
  let asked = 0;
  let answer: (verdict: Verdict) => void = () => undefined;
  const settled: (PlaySession | undefined)[] = [];
  const policy: Policy = {
    ...aboutViewers(() => {
      asked++;
      return new Promise((resolve) => (answer = resolve));
    }),
    settled: ({ kind }, session) => {
      if (kind === undefined || kind === 'viewer') settled.push(session);
    },
  };
  return {
    name: 'opens nothing for a client that leaves while the answer is pending',
    options: { policies: [policy] },
    test: async (world) => {
      const client = await world.play({ stream: 'cam1', token: 'hasty' });
      await until('the policy is asked', () => asked > 0);
      await client.drop();
      await until('the client is gone', () => client.hasEnded());
      await stays('the transport hears of it a moment later than the client', () => settled.length === 0);
      answer(YES);
      await until('the policy hears that its yes came to nothing', () => settled.length > 0);
      assert.deepEqual(settled, [undefined]);
      assert.deepEqual(world.tracker.list({ kind: 'viewer' }), []);
      assert.equal(client.received(), 0);
    },
  };
};

export const openingCases = (protocol: string): Case[] => [
  {
    name: 'opens one session per connection',
    test: async (world) => {
      await world.watch({ stream: 'cam1', token: 'a' });
      await world.watch({ stream: 'cam1', token: 'b' });
      await world.watch({ stream: 'cam2', token: 'b' });
      const viewers = world.viewers();
      assert.equal(viewers.length, 3);
      assert.equal(new Set(viewers.map(({ id }) => id)).size, 3);
      assert.deepEqual(viewers.map(({ stream }) => stream).sort(), ['cam1', 'cam1', 'cam2']);
      assert.equal(new Set(viewers.map(({ tokenFingerprint }) => tokenFingerprint)).size, 2, 'tokens are carried');
      for (const viewer of viewers) assert.deepEqual([viewer.protocol, viewer.connections], [protocol, 1]);
    },
  },
  refusing('at once', () => NO),
  refusing('later', () => new Promise((resolve) => setTimeout(() => resolve(NO), 50))),
  pending(),
  {
    name: 'lists a viewer as a viewer of its stream',
    test: async (world) => {
      await world.watch({ stream: 'cam1', token: 'viewer' });
      const { stream, kind } = world.viewer();
      assert.deepEqual([stream, kind], ['cam1', 'viewer']);
    },
  },
  {
    name: 'lists a publisher as an input, and counts what it sends',
    test: async (world) => {
      const publisher = await world.publish({ stream: 'studio', token: 'publisher' });
      const inputs = (): PlaySession[] => world.tracker.list({ kind: 'input', stream: 'studio', status: 'active' });
      await until('the publisher is listed as an input', () => inputs().length === 1);
      await until('what it sends is counted', () => (inputs()[0]?.bytesReceived ?? 0) > 0);
      assert.equal(inputs()[0]?.protocol, protocol);
      await publisher.drop();
      await until('it is gone from the list', () => inputs().length === 0);
    },
  },
];
