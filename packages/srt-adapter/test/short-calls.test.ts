import { readdirSync, readFileSync } from 'node:fs';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { createSrtServer, type SrtServer } from '../src/index.js';
import { rudeCallers } from './support/rude-callers.js';
import { pace, soon, until } from '../../../test/support/until.js';

/** Milliseconds: a peer is taken for gone after 5,000 of silence, and every socket is looked at once in 1,000. */
const AT_THE_LATEST = 6_500;

let tracker: SessionTracker;
let server: SrtServer;
let busy: NodeJS.Timeout | undefined;

function start(policies: Policy[] = []): void {
  tracker = createTracker({ policies });
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker });
}

afterEach(async () => {
  clearInterval(busy);
  await server.close();
  await tracker.stop();
});

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** How many were connected. On a busy machine most may hang up before they are: then others call. */
async function call(howMany: number, holdMs: number, streamId = 'cam1'): Promise<number> {
  let connected = 0;
  for (let tries = 0; tries < 5 && connected <= howMany / 3; tries++) {
    connected += (await rudeCallers(server.port, { howMany, holdMs, streamId })).connected;
  }
  return connected;
}

/** libsrt has a thread for each connection that is left. */
const connectionThreads = (): number =>
  readdirSync('/proc/self/task').filter((id) => commandOf(id).startsWith('SRT:TsbPd')).length;

function commandOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8');
  } catch {
    return ''; // it has ended since
  }
}

async function nobodyIsLeft(): Promise<void> {
  await soon('nobody is listed', AT_THE_LATEST, () => tracker.stats().active === 0);
  const { openedTotal, closedTotal } = tracker.stats();
  expect(openedTotal - closedTotal).toBe(0);
  expect(server.connections()).toEqual([]);
  await until('libsrt has put all of them away', () => connectionThreads() === 0);
  const reasons = new Set(tracker.list({ status: 'closed' }).map(({ closeReason }) => closeReason));
  reasons.delete('replaced'); // publishers of one stream
  expect([...reasons].filter((reason) => reason !== 'client_gone')).toEqual([]);
}

const slow: Policy = {
  name: 'slow',
  admit: () => pace(100).then(() => ({ allow: true }) as const),
};

describe('callers that hang up leave no session in the list', () => {
  it.each([
    ['at once', 400, 0],
    ['after a moment', 50, 60],
  ])('of an idle server: %s', async (_when, howMany, holdMs) => {
    start();
    expect(await call(howMany, holdMs)).toBeGreaterThan(howMany / 3);
    await nobodyIsLeft();
  });

  it.each([
    ['at once', 0],
    ['after a moment', 60],
  ])('of a server whose loop is busy now and then: %s', async (_when, holdMs) => {
    start();
    busy = setInterval(() => spin(250), 400);
    expect(await call(100, holdMs)).toBeGreaterThan(30);
    await nobodyIsLeft();
  });

  it.each([
    ['at once', 0],
    ['while it decides', 60],
    ['when it has decided', 200],
  ])('of a server with a slow policy: %s', async (_when, holdMs) => {
    start([slow]);
    expect(await call(50, holdMs)).toBeGreaterThan(15);
    await nobodyIsLeft();
  });

  it('when they wanted to publish', async () => {
    start();
    expect(await call(50, 0, '#!::r=cam1,m=publish')).toBeGreaterThan(15);
    await nobodyIsLeft();
  });
});

it('the server notices that callers have gone even if it was busy until libsrt had forgotten them', async () => {
  start();
  const over = call(10, 2_000);
  await until('most are there', () => tracker.stats().active >= 5);
  spin(5_000); // libsrt puts broken connections away, and with them what the poll had to tell
  await over;
  await nobodyIsLeft();
});
