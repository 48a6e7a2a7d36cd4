import type { Policy } from '../src/index.js';
import { policyContract, type PolicyHarness } from '../src/testing/index.js';
import { policyCases } from '../src/testing/policy/cases.js';
import { PolicyWorld } from '../src/testing/policy/world.js';
import { hit } from './support/make.js';

type Flaw =
  'none' | 'forgets no seat' | 'throws' | 'tells the token' | 'keeps everybody' | 'keeps strangers' | 'nameless';

/** One seat for each token, for everybody but strangers; with a flaw, as a bad policy would keep them. */
function seats(flaw: Flaw): Policy {
  const taken = new Map<string, number>();
  const kept: unknown[] = [];
  const change = (token: string, by: number): void => {
    const seatsTaken = (taken.get(token) ?? 0) + by;
    if (seatsTaken <= 0) taken.delete(token);
    else taken.set(token, seatsTaken);
  };
  const tokens = new Map<string, string>();
  return {
    name: flaw === 'nameless' ? ' ' : 'seats',
    admit: (candidate) => {
      if (flaw === 'throws' && candidate.userAgent === undefined) throw new Error('no user agent');
      const { token = '' } = candidate;
      if (candidate.userAgent === 'stranger') {
        if (flaw === 'keeps strangers') kept.push({ ...candidate, text: Buffer.alloc(16_000, token).toString() });
        const detail = flaw === 'tells the token' ? `no seat for ${token}` : 'no seat';
        return { allow: false, reason: 'forbidden', detail };
      }
      if ((taken.get(token) ?? 0) > 0) return { allow: false, reason: 'limit', kind: 'limit' };
      change(token, 1);
      return { allow: true };
    },
    settled: (candidate, session) => {
      if (session !== undefined) tokens.set(session.id, candidate.token ?? '');
      else if (flaw !== 'forgets no seat') change(candidate.token ?? '', -1);
    },
    closed: ({ id }) => {
      if (flaw === 'keeps everybody') kept.push({ ...tokens, text: Buffer.alloc(8_000, id).toString() });
      change(tokens.get(id) ?? '', -1);
      tokens.delete(id);
    },
  };
}

const harness = (flaw: Flaw): PolicyHarness => ({
  name: 'a policy of seats',
  start: () => ({
    policy: seats(flaw),
    allowed: (n) => hit({ token: `viewer ${n}` }),
    refused: (n) => hit({ token: `stranger ${n}`, userAgent: 'stranger' }),
  }),
});

policyContract(harness('none'));

describe('the policy contract notices a policy that', () => {
  it.each<[string, Flaw, RegExp]>([
    ['has no name', 'nameless', /has a name/],
    ['keeps the seat of an opening that was given up', 'forgets no seat', /given up/],
    ['throws at a hit without a User-Agent', 'throws', /whatever a stranger sends/],
    ['tells the token that it refuses', 'tells the token', /by what token/],
    ['keeps viewers that have left', 'keeps everybody', /viewers that have left/],
    ['keeps strangers', 'keeps strangers', /strangers/],
  ])('%s', async (_what, flaw, about) => {
    const cases = policyCases.filter(({ name }) => about.test(name));
    expect(cases.length).toBeGreaterThan(0);
    const results = await Promise.allSettled(cases.map((one) => PolicyWorld.run(harness(flaw), one)));
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
  });
});
