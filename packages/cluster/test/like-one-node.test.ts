import { createTracker, type HttpHit } from '@stream-sessions/core';
import { pace } from '@stream-sessions/core/testing';
import { hit, Nodes, play, type Node } from './support/nodes.js';
import { oneRedis } from './support/one-redis.js';

const redis = oneRedis();

/** The same numbers for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What was changed by a hit is told by then. */
const TOLD_MS = 30;
const HOUSES = 12;
const HITS = 12;

it('sees the same viewers on three nodes as on one, whichever of its names a player sends when', async () => {
  const nodes = new Nodes(redis.port);
  const all = [await nodes.add(), await nodes.add(), await nodes.add()];
  const one = createTracker({ fingerprintKey: 'of the test' });
  const next = numbers(7);
  const maybe = <T>(value: T): T | undefined => (next() < 0.5 ? value : undefined);
  for (let house = 0; house < HOUSES; house++) {
    const there = new Map<string, string>();
    const back = new Map<string, string>();
    const players = ['a', 'b'].map((name) => ({
      ...{ userAgent: name, token: maybe(`token of ${name}`), sid: maybe(`sid of ${name}`) },
      ...{ dropsToken: next() < 0.5, saysSidFrom: Math.floor(next() * 4) },
    }));
    const story: string[] = [];
    for (let i = 0; i < HITS; i++) {
      const player = players[Math.floor(next() * players.length)] as (typeof players)[number];
      const node = Math.floor(next() * all.length);
      const { userAgent } = player;
      const over: Partial<HttpHit> = { ip: `203.0.113.${house}`, userAgent };
      if (player.token !== undefined && !(player.dropsToken && next() < 0.5)) over.token = player.token;
      if (player.sid !== undefined && i >= player.saysSidFrom) over.sid = player.sid;
      const admission = one.admit(hit(over));
      if ('then' in admission || !admission.admitted) throw new Error('one node lets everybody in, at once');
      admission.handle.end();
      const alone = admission.handle.session?.id ?? '';
      const together = (await play(all[node] as Node, over)).id;
      story.push(`${userAgent} ${over.token ?? '-'} ${over.sid ?? '-'} at ${node}: ${alone}, ${together}`);
      const isSame = (there.get(alone) ?? together) === together && (back.get(together) ?? alone) === alone;
      expect([story, isSame]).toEqual([story, true]);
      there.set(alone, together);
      back.set(together, alone);
      await pace(TOLD_MS);
    }
  }
  await nodes.end();
  await one.stop();
});
