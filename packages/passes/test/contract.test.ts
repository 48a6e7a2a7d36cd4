import { policyContract } from '@stream-sessions/core/testing';
import { memoryPassStore, passBook, passPolicy, type Pass, type PassStore } from '../src/index.js';
import { hit } from './support/theatre.js';

/** Whoever is called so has a pass. */
const HAS_ONE = /^buyer-\d+$/;

const passOf = (owner: string, createdAt: number): Pass => ({
  id: owner,
  owner,
  provider: '',
  type: 0,
  timeSecs: 86_400,
  dataMb: 0,
  timeCons: 0,
  dataCons: 0,
  startedAt: null,
  expDays: null,
  downMbits: 0,
  upMbits: 0,
  useGlobalSpeed: false,
  createdAt,
  billedUntil: null,
  endedAt: null,
  ops: {},
});

/** A store that knows all buyers there can be, and keeps none of them: what is kept is the policy's. */
function endless(now: number): PassStore {
  const none = memoryPassStore();
  const get = (id: string): Pass | undefined => (HAS_ONE.test(id) ? passOf(id, now) : undefined);
  return { ...none, add: (pass) => pass, get, list: (owner) => [get(owner) ?? []].flat(), spend: get, change: get };
}

policyContract({
  name: 'passPolicy',
  start: (clock) => ({
    policy: passPolicy(passBook({ clock, store: endless(clock.now()) })),
    allowed: (n) => hit({ ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, token: `buyer-${n}` }),
    refused: (n) => hit({ ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, token: `stranger-${n}-of-a-secret-kind` }),
  }),
});
