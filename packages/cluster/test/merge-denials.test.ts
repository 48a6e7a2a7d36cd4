import type { Denial } from '@stream-sessions/core';
import { mergedDenials } from '../src/directory/merge-denials.js';

const denial = (over: Partial<Denial>): Denial => ({
  ...{
    id: 'd',
    target: { session: 's' },
    by: 'kick',
    kind: 'forbidden',
    reason: 'kicked',
    since: 0,
    until: 60_000,
    hits: 1,
  },
  ...over,
});
const listed = (...nodes: Denial[][]) => mergedDenials(nodes).map(({ denial: { id, hits }, ids }) => [id, hits, ids]);

it('merging adds up the hits of all nodes under one denial', () => {
  expect(listed([denial({})], [denial({ hits: 2 })])).toEqual([['d', 3, ['d']]]);
});

it('merging lists the denials of one kick as one, under the id of the first', () => {
  const [first, other] = [denial({ id: 'b', since: 10 }), denial({ id: 'a', since: 400, until: 61_000 })];
  expect(listed([first], [other, first])).toEqual([['b', 3, ['b', 'a']]]);
  expect(mergedDenials([[first, other]])[0]?.denial.until).toBe(61_000);
});

it('merging keeps denials of different kinds apart', () => {
  const kicks = [denial({ id: '1' }), denial({ id: '2', since: 5_000 }), denial({ id: '3', target: { session: 't' } })];
  expect(listed(kicks)).toHaveLength(3);
  const ofPolicies = [denial({ id: '1', by: 'policy' }), denial({ id: '2', by: 'policy' })];
  expect(listed(ofPolicies)).toHaveLength(2);
});

it('merging lists what a kick has revoked as one denial', () => {
  const revoked = { by: 'deny', target: { user: 'eve', issuedBefore: 1_000 } } as const;
  expect(listed([denial({ id: '1', ...revoked })], [denial({ id: '2', ...revoked, since: 20 })])).toHaveLength(1);
});
