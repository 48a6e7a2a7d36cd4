import type { PlaySession } from '@stream-sessions/core';
import { freePorts } from '../../support/free-port.js';
import { until } from '../../players/support/until.js';
import type { Client } from './clients.js';
import { addressOf, startLine, type Line } from './line.js';
import { run, type Running } from './run.js';
import { isByRequests, PROTOCOL, type Way } from './ways.js';
import type { World } from './world.js';
import { pace } from '../../support/until.js';

/** What the matrix tells of a client that plays or publishes in one way. */
export interface Outcome {
  /** What the list says is more or less than what went over the line, as a share. Undefined: nobody can count there. */
  readonly off: number | undefined;
  /** Milliseconds from the kick to the last byte that the player got. Undefined: what a publisher goes on to say nobody takes. */
  readonly kickMs: number | undefined;
  readonly exit: string;
  readonly kill: string;
  /** Milliseconds from SIGKILL to the end of the session. */
  readonly killMs: number;
}

export interface Trial {
  readonly client: Client;
  readonly way: Way;
  readonly publishes: boolean;
}

/** Enough for the smallest parts of a stream not to matter, and for every player to have filled its first buffers. */
const ENOUGH_BYTES = 1_200_000;
/** Of what an SRT publisher has sent when it hangs up, the last 0.12 s are not due yet: its latency. Nobody gets them. */
const ENOUGH_OF_SRT = 6_000_000;
/** A player that tries again does so within this time. */
const RETRY_MS = 3_000;

/** Fails when all have come to an end: what goes on behind a test's back would start clients in the next. */
async function settled<A, B, C>(promises: [Promise<A>, Promise<B>, Promise<C>]): Promise<[A, B, C]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

let count = 0;

/** Three at once, each a user of its own: one leaves, one is kicked, one is killed. */
export async function tryOut(world: World, trial: Trial): Promise<Outcome> {
  const visits = await settled([begin(world, trial), begin(world, trial), begin(world, trial)]);
  const [leaving, kicked, killed] = visits;
  try {
    const [exit, kickMs, kill] = await settled([leave(leaving), kick(kicked), slay(killed)]);
    return { ...exit, kickMs, ...kill };
  } finally {
    for (const { client, line } of visits) {
      client.kill('SIGKILL');
      await line.stop();
    }
  }
}

interface Visit {
  readonly client: Running;
  readonly line: Line;
  readonly publishes: boolean;
  start(): Running;
  kick(): boolean;
  /** Every visit that this user ever made. */
  all(): PlaySession[];
  bytes(): number;
  moved(): number | undefined;
}

async function begin(
  world: World,
  { client: { plays, publishes: publishing = {} }, way, publishes }: Trial,
): Promise<Visit> {
  const token = `user-${++count}-of-the-matrix`;
  const line = await startLine(way, world.ports[way], publishes);
  const address = addressOf(way, line.port, publishes ? token : 'demo', token, publishes);
  const command = (publishes ? publishing : plays)[way];
  const [port = 0] = await freePorts(1);
  const start = (): Running => run(command!(address, { flv: world.flv, port }));
  const client = start();
  const all = () => world.tracker.list({ user: token, visits: 'all' });
  const bytes = () => all().reduce((sum, session) => sum + (publishes ? session.bytesReceived : session.bytes), 0);
  const moved = () => (publishes ? line.given() : line.taken());
  const what = (): string => `${publishes ? 'it publishes' : 'it plays'}; it said: ${client.told() || 'nothing'}`;
  const enough = publishes && way === 'SRT' ? ENOUGH_OF_SRT : ENOUGH_BYTES;
  await until('there is enough of it', () => bytes() > enough, { timeoutMs: 40_000 }).catch((error: Error) => {
    throw new Error(`${error.message}; ${what()}; ${JSON.stringify(all())}`);
  });
  const [session, ...others] = all();
  expect(others).toEqual([]); // one row
  expect(session).toMatchObject({
    kind: publishes ? 'input' : 'viewer',
    protocol: PROTOCOL[way],
    closeReason: undefined,
  });
  return { client, line, publishes, start, kick: () => world.tracker.kick(session!.id), all, bytes, moved };
}

const isActive = ({ all }: Visit): boolean => all().some(({ closedAt }) => closedAt === undefined);
const closed = (visit: Visit) => until('it is closed', () => !isActive(visit), { timeoutMs: 20_000 });
const reasonOf = ({ all }: Visit): string => all().at(-1)?.closeReason ?? '';

async function leave(visit: Visit): Promise<Pick<Outcome, 'exit' | 'off'>> {
  visit.client.kill('SIGTERM');
  await closed(visit);
  expect(visit.all()).toHaveLength(1);
  await pace(500); // what is on the line arrives
  const moved = visit.moved();
  return { exit: reasonOf(visit), off: moved === undefined ? undefined : visit.bytes() / moved - 1 };
}

async function kick(visit: Visit): Promise<number | undefined> {
  const since = Date.now();
  expect(visit.kick()).toBe(true);
  expect(isActive(visit)).toBe(false);
  let [last, kickMs] = [visit.moved() ?? 0, 0];
  const watch = setInterval(() => {
    const now = visit.moved() ?? 0;
    // a word of refusal, or an answer to a knock, is not media
    if (now - last > 10_000) [last, kickMs] = [now, Date.now() - since];
  }, 50);
  await pace(RETRY_MS);
  if (visit.client.isOver()) visit.start();
  await pace(RETRY_MS);
  clearInterval(watch);
  expect(visit.all().map(({ closeReason }) => closeReason)).toEqual(['kicked']);
  return visit.publishes ? undefined : kickMs;
}

async function slay(visit: Visit): Promise<Pick<Outcome, 'kill' | 'killMs'>> {
  const since = Date.now();
  visit.client.kill('SIGKILL');
  await closed(visit);
  return { kill: reasonOf(visit), killMs: Date.now() - since };
}

/** What is right: a connection that ends is told of, requests that end are not. */
export const rightReason = (way: Way): string => (isByRequests(way) ? 'idle' : 'client_gone');
