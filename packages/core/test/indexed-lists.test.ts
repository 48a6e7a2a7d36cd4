import type { PlaySession, Policy, SessionFilter } from '../src/index.js';
import { clusterPort } from '../src/spi.js';
import { hit, mayRequest, setup } from './support/make.js';

const USERS = ['alice@example.com', 'bob', 'carol', undefined, undefined];
const IPS = ['203.0.113.1', '203.0.113.2', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'];
const MANY = 1_100;

/** The user is what the token says before the first comma. */
const byToken: Policy = {
  name: 'by token',
  admit: ({ token = '' }) => {
    const [userId] = token.split(',');
    return userId ? { allow: true, userId } : { allow: true };
  },
};

/** Sessions of few users and addresses, some of them on two streams, or closed. */
function crowd() {
  const made = setup({ maxSessionsPerIp: 10 * MANY, policies: [byToken] });
  const { tracker, clock } = made;
  for (let n = 0; n < 500; n++) {
    const who = { ip: IPS[(n % 7) % IPS.length] ?? '', token: `${USERS[n % USERS.length] ?? ''},${n}` };
    expect(mayRequest(tracker, { ...who, stream: `cam${n % 3}` })).toBe(true);
    if (n % 11 === 0) expect(mayRequest(tracker, { ...who, stream: `cam${(n + 1) % 3}` })).toBe(true);
    if (n % 10 === 0) clock.advance(1);
  }
  const some = tracker.list().filter((_, n) => n % 8 === 0);
  for (const { id } of some) tracker.kick(id, { denyForMs: 0 });
  return made;
}

const FILTERS: readonly SessionFilter[] = [
  ...USERS.flatMap((user) => (user === undefined ? [] : [{ user }])),
  ...[...IPS, '2001:DB8:0::1', '198.51.100.1'].map((ip) => ({ ip })),
];
const MORE: readonly SessionFilter[] = [
  {},
  { stream: 'cam1' },
  { status: 'active' },
  { status: 'closed' },
  { status: 'active', stream: 'cam2', order: '-openedAt' },
  { limit: 7 },
  { order: '-bytes', limit: 7 },
  { visits: 'all' },
];

/** Looks at each row. */
function matches({ user, ip }: SessionFilter, row: PlaySession): boolean {
  if (user !== undefined && row.userId !== user && row.userName !== user) return false;
  const address = ip?.replace('2001:DB8:0::1', '2001:db8::1');
  return address === undefined || row.ips.includes(address);
}

it.each(FILTERS)('%j lists and counts the same sessions as a look at each row', async (filter) => {
  const { tracker } = crowd();
  for (const more of MORE) {
    const { limit = Infinity, ...unlimited } = more;
    const expected = tracker.list(unlimited).filter((row) => matches(filter, row));
    if (more === MORE[0] && filter.ip !== '198.51.100.1') expect(expected.length).toBeGreaterThan(50);
    expect(tracker.list({ ...more, ...filter })).toEqual(expected.slice(0, limit));
    expect(await clusterPort(tracker).list({ ...more, ...filter })).toEqual(expected.slice(0, limit));
    expect(tracker.count({ ...more, ...filter })).toBe(expected.length);
  }
});

it('a user is found by the short name that a session without a user is shown by', () => {
  const { tracker } = crowd();
  const nameless = tracker.list({ status: 'active' }).find(({ userId }) => userId === undefined);
  expect(tracker.list({ user: nameless?.userName ?? '' }).map(({ id }) => id)).toContain(nameless?.id);
});

it('an address that more sessions share than an index is used for lists all of them', () => {
  const { tracker } = setup({ maxSessionsPerIp: 10 * MANY, policies: [byToken] });
  for (let n = 0; n < MANY; n++) expect(mayRequest(tracker, { token: `one and the same,${n}` })).toBe(true);
  expect(tracker.count({ ip: hit().ip })).toBe(MANY);
  expect(tracker.list({ user: 'one and the same' })).toHaveLength(MANY);
});

it('policies also count sessions of a user or an address that are not listed yet', async () => {
  const counted: number[] = [];
  const policy: Policy = {
    name: 'counting',
    admit: ({ ip }, view) => {
      counted.push(view.count({ ip, status: 'active' }));
      return { allow: true };
    },
  };
  const { tracker } = setup({ policies: [policy] });
  for (const token of ['a', 'b']) await tracker.admit(hit({ token, tentative: true }));
  expect(counted).toEqual([0, 1]);
  expect(tracker.count({ ip: hit().ip })).toBe(0);
});
