import { createTracker, type Admission, type HttpHit, type Policy, type RequestHandle } from '@stream-sessions/core';
import { ask, hit, type Node, type Nodes } from './support/nodes.js';
import { nodesOn, oneRedis } from './support/one-redis.js';
import { Settling } from './support/settling-link.js';

const redis = oneRedis();
let nodes: Nodes;
nodesOn(redis, (given) => (nodes = given));

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

/** So many at a time: a late name has to come within ten seconds of the first, however busy the machine is. */
const HOUSES = 140;
const STREETS = 3;
const ROUNDS = 24;

interface Player {
  readonly userAgent: string;
  readonly token: string | undefined;
  readonly sid: string | undefined;
  readonly dropsToken: boolean;
  /** From which of its hits on. */
  readonly saysSidFrom: number;
}

/** Players behind one address, and which visit on one node is which of the cluster. */
interface House {
  readonly ip: string;
  readonly players: readonly Player[];
  readonly together: Map<string, string>;
  readonly alone: Map<string, string>;
  readonly story: string[];
}

const policy: Policy = {
  name: 'login',
  stage: 'authorise',
  admit: ({ token = '' }) =>
    token.startsWith('bad') ? { allow: false, reason: 'bad_token' } : { allow: true, ...(token && { userId: token }) },
};

const wordOf = (admission: Admission<RequestHandle>): string =>
  admission.admitted ? 'in' : `${admission.denial.kind} ${admission.denial.reason}`;

/** How many of the rows each address has. */
function byAddress(rows: Iterable<{ readonly ip: string }>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { ip } of rows) counts.set(ip, (counts.get(ip) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const idOf = (admission: Admission<RequestHandle>): string => {
  if (!admission.admitted) return '';
  admission.handle.end(100);
  return admission.handle.session?.id ?? '';
};

/**
 * Where two players of a house have one User-Agent, a hit without a token may be either's: on one node it goes to the one that was
 * active last, of which other nodes do not know. And a refusal that a policy made is remembered by its node alone, so another
 * node may name the kick instead.
 */
it.each([
  ['of their own', false],
  ['that others in the house have too', true],
])(
  'three nodes answer 10,000 hits as one node does, from players with a User-Agent %s',
  async (_, isShared) => {
    const settling = new Settling();
    const options = { policies: [policy] };
    const all: Node[] = [];
    for (let n = 0; n < 3; n++) all.push(await nodes.add(options, { timeLimitMs: 10_000 }, settling.link));
    await nodes.allSeen();
    const one = createTracker({ fingerprintKey: 'of the test', ...options });
    const next = numbers(7);
    const maybe = <T>(value: T): T | undefined => (next() < 0.5 ? value : undefined);
    const among = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;
    const houseOf = (n: number): House => {
      const players = ['a', 'b'].map((name): Player => ({
        userAgent: isShared ? 'same' : name,
        token: maybe(`${next() < 0.1 ? 'bad' : 'good'} ${name} ${n}`),
        sid: maybe(`sid of ${name} ${n}`),
        ...{ dropsToken: next() < 0.5, saysSidFrom: Math.floor(next() * 3) },
      }));
      return { ip: `10.0.${n >> 8}.${n & 255}`, players, together: new Map(), alone: new Map(), story: [] };
    };
    const answers = new Map<string, number>();
    const visit = async (house: House, round: number): Promise<void> => {
      const player = house.players[round % 2] as Player;
      const at = Math.floor(next() * all.length);
      const over: Partial<HttpHit> = { ip: house.ip, userAgent: player.userAgent };
      if (player.token !== undefined && !(player.dropsToken && next() < 0.5)) over.token = player.token;
      if (player.sid !== undefined && round >> 1 >= player.saysSidFrom) over.sid = player.sid;
      const alone = await one.admit(hit(over));
      const together = await ask(all[at] as Node, over);
      answers.set(wordOf(alone), (answers.get(wordOf(alone)) ?? 0) + 1);
      const ids = [idOf(alone), idOf(together)] as const;
      const [{ userAgent }, { token = '-', sid = '-' }] = [player, over];
      house.story.push(
        `${userAgent} ${token} ${sid} at ${at}: ${wordOf(alone)} ${ids[0]}, ${wordOf(together)} ${ids[1]}`,
      );
      const isAnybodys = isShared && over.token === undefined;
      const isSame =
        (house.together.get(ids[0]) ?? ids[1]) === ids[1] && (house.alone.get(ids[1]) ?? ids[0]) === ids[0];
      const isSaid = isShared ? alone.admitted === together.admitted : wordOf(alone) === wordOf(together);
      if (!isSaid || !(isSame || isAnybodys)) throw new Error(house.story.join('\n'));
      if (isAnybodys) return;
      house.together.set(ids[0], ids[1]);
      house.alone.set(ids[1], ids[0]);
    };
    /** The operator’s word, on both. */
    const rule = async (house: House, round: number): Promise<void> => {
      const { token } = among(house.players);
      if (token !== undefined && round % 8 === 3) {
        one.deny({ token });
        await among(all).directory.deny({ token });
      }
      const id = among([...house.together.keys()]);
      if (round % 8 === 5 && id !== '') {
        house.story.push(`kicked ${id}`);
        expect([house.story, await among(all).directory.kick(house.together.get(id) ?? '')]).toEqual([
          house.story,
          one.kick(id) ? expect.objectContaining({ pending: [] }) : false,
        ]);
      }
    };
    for (let street = 0; street < STREETS; street++) {
      const houses = Array.from({ length: HOUSES }, (_, n) => houseOf(street * HOUSES + n));
      for (let round = 0; round < ROUNDS; round++) {
        await Promise.all(houses.map((house) => visit(house, round)));
        await settling.settled();
        if (round % 2 === 1) for (let n = 0; n < 3; n++) await rule(among(houses), round);
        await settling.settled();
      }
    }
    const rows = await (all[0] as Node).directory.list({ status: 'active', limit: 1_000 });
    expect(byAddress(rows)).toEqual(byAddress(one.list({ status: 'active' })));
    // all of it was put to the test
    const hits = STREETS * HOUSES * ROUNDS;
    expect([...answers.values()].reduce((sum, n) => sum + n, 0)).toBe(hits);
    for (const word of ['forbidden kicked', 'forbidden bad_token']) expect(answers.get(word)).toBeGreaterThan(50);
    expect(answers.get('in')).toBeGreaterThan(hits / 2);
    await one.stop();
  },
  60_000,
);
