import assert from 'node:assert/strict';
import type { HttpHit } from '../../types/hit.js';
import { heldBytes } from '../heap.js';
import type { PolicyCase, PolicyWorld } from './world.js';

const TIMES = 50;
const CROWD = 500;
const LONG = 4_000;
/** Bytes per viewer that has left. A policy may remember its answer under a hash for a while, but not what a stranger sent. */
const MAX_KEPT_BYTES = 2_048;

const HOSTILE: readonly Partial<HttpHit>[] = [
  { token: undefined, query: undefined, userAgent: undefined },
  { token: '', query: '', userAgent: '', referer: '' },
  { token: 'x'.repeat(LONG), query: `token=${'x'.repeat(LONG)}`, userAgent: 'x'.repeat(LONG) },
  { token: '\u0000\ud800', query: '%', referer: 'http://[', userAgent: '\u0000' },
  { token: '__proto__', query: '__proto__=constructor', userAgent: 'constructor' },
  { ip: 'unknown' },
  { ip: '::ffff:203.0.113.7%eth0' },
  { credentials: { scheme: 'bearer', token: '' } },
  { credentials: { scheme: 'basic', user: '', verify: () => false } },
  { kind: 'input' },
  { kind: 'output' },
];

/** The median of three rounds: other allocations come and go on the same heap, but not in every round. */
async function keptPerViewer(crowd: (from: number) => Promise<void>): Promise<number> {
  await crowd(0);
  const kept: number[] = [];
  for (let round = 1; round <= 3; round++) {
    const before = heldBytes();
    await crowd(round * CROWD);
    kept.push((heldBytes() - before) / CROWD);
  }
  return kept.sort((a, b) => a - b)[1] as number;
}

async function assertForgets(what: string, crowd: (from: number) => Promise<void>): Promise<void> {
  const kept = await keptPerViewer(crowd);
  assert.ok(kept < MAX_KEPT_BYTES, `${Math.round(kept)} bytes are kept of each ${what}, ${MAX_KEPT_BYTES} may be`);
}

const comeAndGo = async (world: PolicyWorld, from: number): Promise<void> => {
  for (let n = from; n < from + CROWD; n++) world.leave(await world.enter(world.subject.allowed(n)));
};

/** What every policy must do, whatever it decides by. */
export const policyCases: PolicyCase[] = [
  {
    name: 'has a name, which denials and logs show',
    test: async ({ subject: { policy } }) => assert.match(policy.name, /\S/),
  },
  {
    name: 'lets a viewer in again and again, whenever it has left',
    test: async (world) => {
      for (let i = 0; i < TIMES; i++) world.leave(await world.enter(world.subject.allowed(0)));
    },
  },
  {
    name: 'takes back its approval when the opening is given up',
    test: async (world) => {
      for (let i = 0; i < TIMES; i++) await world.giveUp(world.subject.allowed(0));
      await world.enter(world.subject.allowed(0));
    },
  },
  {
    name: 'says why it refuses, and not by what token',
    test: async (world) => {
      const hit = world.refused(0);
      const denial = await world.refusal(hit);
      assert.ok(denial, 'refused');
      assert.notEqual(denial.reason, 'policy_error');
      const offered = [hit.token, hit.credentials?.scheme === 'bearer' ? hit.credentials.token : undefined];
      const told = `${denial.reason} ${denial.detail ?? ''} ${JSON.stringify(denial.target)}`;
      for (const secret of offered) if (secret) assert.equal(told.includes(secret), false, `"${told}" tells the token`);
    },
  },
  {
    name: 'answers whatever a stranger sends',
    test: async (world) => {
      for (const part of HOSTILE) {
        const denial = await world.refusal({ ...world.subject.allowed(0), ...part });
        assert.notEqual(denial?.reason, 'policy_error', `it failed on ${JSON.stringify(part).slice(0, 100)}`);
      }
    },
  },
  {
    name: 'keeps next to nothing of viewers that have left',
    test: (world) => assertForgets('viewer that left', (from) => comeAndGo(world, from)),
  },
  {
    name: 'keeps next to nothing of strangers that it refused',
    test: (world) => {
      const refuse = async (n: number): Promise<void> => {
        // with memory of its own: repeat() would share it
        const text = Buffer.alloc(LONG, `${n}-`).toString('latin1');
        const denial = await world.refusal({ ...world.refused(n), query: text, referer: text });
        assert.ok(denial, 'refused');
      };
      return assertForgets('stranger', async (from) => {
        for (let n = from; n < from + CROWD; n++) await refuse(n);
      });
    },
  },
];
