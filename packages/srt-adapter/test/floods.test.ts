import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { createSrtServer, type SrtServer, type SrtServerOptions } from '../src/index.js';
import { HeldMedia } from '../src/server/held-media.js';
import { Caller } from './support/caller.js';
import { rudeCallers } from './support/rude-callers.js';
import { until } from '../../../test/support/until.js';

const MIB = 1024 * 1024;

let tracker: SessionTracker;
let server: SrtServer;
let peak: () => number;

const quiet = (): void => undefined;
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** One player first: what libsrt takes for the first of all is not news. */
async function start(policies: Policy[] = [], options: Partial<SrtServerOptions> = {}): Promise<void> {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  tracker = createTracker({ policies, policyTimeoutMs: 60_000, logger });
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker, ...options });
  const first = await new Caller(server.port, 'first').connects();
  await first.drop();
  const before = process.memoryUsage().rss;
  let most = before;
  const reading = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
  peak = () => (clearInterval(reading), most - before);
}

afterEach(async () => {
  peak();
  await server.close();
  await tracker.stop();
});

const never: Policy = { name: 'never', admit: () => new Promise(() => undefined) };

describe('a flood', () => {
  it.each([
    ['of players that were let in', [], 20],
    ['of players that ask for a late delivery', [], 8_000],
    ['of players about whom a policy thinks', [never], 20],
    ['of players about whom it thinks, and a late delivery', [never], 8_000],
  ])('%s is cut: a player has nothing to send', async (_who, policies: Policy[], latencyMs) => {
    await start(policies);
    const { connected, cut } = await rudeCallers(server.port, {
      howMany: 30,
      // each goes on until it is cut, and the machine may be busy
      holdMs: 15_000,
      floods: true,
      latencyMs,
    });
    expect(connected).toBeGreaterThan(10);
    // one that was cut before it had looked was not seen to be connected
    expect(cut).toBeGreaterThanOrEqual(connected);
    expect(peak()).toBeLessThan(160 * MIB); // a second's flood of all
    await until('nobody is listed', () => tracker.stats().active === 0);
    const reasons = new Set(tracker.list({ status: 'closed' }).map(({ closeReason }) => closeReason));
    reasons.delete('client_gone'); // the first
    expect([...reasons]).toEqual(policies.length === 0 ? ['transport_error'] : []);
    expect(server.connections()).toEqual([]);
  });

  it('of publishers whose verdict is pending is discarded', async () => {
    await start([never]);
    const streamId = '#!::r=cam1,m=publish';
    const { connected, sent } = await rudeCallers(server.port, { howMany: 20, holdMs: 3_000, floods: true, streamId });
    expect(connected).toBeGreaterThan(10);
    expect(sent).toBeGreaterThan(60 * MIB);
    expect(peak()).toBeLessThan(40 * MIB);
  });
});

it('the media of a publisher that is admitted soon is kept, in order', async () => {
  let answer: (verdict: { allow: true }) => void = () => undefined;
  await start([
    {
      name: 'slow',
      admit: ({ kind }) => (kind === 'input' ? new Promise((resolve) => (answer = resolve)) : { allow: true }),
    },
  ]);
  const player = await new Caller(server.port, 'cam1').connects();
  const publisher = await new Caller(server.port, '#!::r=cam1,m=publish').connects();
  publisher.publish(2);
  const since = Date.now();
  await until('it has sent some', () => Date.now() - since > 300);
  expect(player.received).toBe(0);
  answer({ allow: true });
  await until('it plays', () => player.packets.length === 100);
  const numbers = player.packets.map((packet) => packet.readUInt32BE(1));
  expect(numbers).toEqual(numbers.map((_, i) => i));
  await until(
    'all of it is counted',
    () => (server.connections().find(({ kind }) => kind === 'input')?.bytesReceived ?? 0) > 130_000,
  );
  await Promise.all([player.drop(), publisher.drop()]);
});

it('nothing is kept of a publisher that has sent more than there is room for', () => {
  const given: number[] = [];
  const [few, many] = [new HeldMedia(), new HeldMedia()];
  for (let i = 0; i < 1_000; i++) {
    if (i < 100) few.add(Buffer.from([i]));
    many.add(Buffer.from([7]));
  }
  for (const media of [few, many]) media.giveBack((packet) => given.push(packet[0] as number));
  expect(given).toEqual(Array.from({ length: 100 }, (_, i) => i));
});
