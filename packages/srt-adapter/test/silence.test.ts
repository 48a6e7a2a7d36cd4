import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { createSrtServer, type SrtServer } from '../src/index.js';
import { Caller } from './support/caller.js';
import { LiveTransmit } from './support/live-transmit.js';
import { startSrtProxy, type SrtProxy } from '../../../test/players/support/srt-proxy.js';
import { soon, until } from '../../../test/support/until.js';

const PUBLISH = '#!::r=live/cam1,m=publish';
/** Milliseconds: what docs/silence.md says, with the least that libsrt has for its own five seconds. */
const [SOONEST, LATEST] = [3_000, 8_000];

let tracker: SessionTracker;
let server: SrtServer;
let proxy: SrtProxy;
const clients: { drop(): unknown }[] = [];
const noted = <T extends { drop(): unknown }>(client: T): T => {
  clients.push(client);
  return client;
};
const publisherAt = (port: number) => noted(new LiveTransmit(port, PUBLISH, { publishes: true }));
const playerAt = (port: number) => noted(new LiveTransmit(port, 'cam1'));
const active = () => tracker.stats().active;

beforeEach(async () => {
  tracker = createTracker();
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker });
  proxy = await startSrtProxy(server.port);
});
afterEach(async () => {
  const dropped = Promise.all(clients.splice(0).map((client) => client.drop()));
  await server.close();
  await tracker.stop();
  await dropped;
  proxy.stop();
});

async function allAreClosed(): Promise<void> {
  const since = Date.now();
  await soon('nobody is listed', LATEST, () => active() === 0);
  expect(Date.now() - since).toBeGreaterThan(SOONEST);
  const closed = tracker.list({ status: 'closed' }).map(({ kind, closeReason }) => `${kind} ${closeReason}`);
  expect(closed.sort()).toEqual(['input client_gone', 'viewer client_gone']);
  expect(server.connections()).toEqual([]);
}

it('a frozen player and a frozen publisher are closed', async () => {
  const [publisher, player] = [publisherAt(server.port), playerAt(server.port)];
  await until('it plays', () => player.received() > 0);
  publisher.freeze();
  player.freeze();
  await allAreClosed();
});

it('a player and a publisher whose network is gone are closed', async () => {
  publisherAt(proxy.port);
  const player = playerAt(proxy.port);
  await until('it plays', () => player.received() > 0);
  proxy.vanish();
  await allAreClosed();
});

it.each([
  ['is frozen', (publisher: LiveTransmit) => publisher.freeze()],
  ['has lost its network', () => proxy.vanish()],
])('the stream of a publisher that %s goes to the next one at once', async (_how, silence) => {
  const old = publisherAt(proxy.port);
  const player = playerAt(server.port);
  await until('it plays', () => player.received() > 0);
  silence(old);
  const [{ id } = { id: '' }] = tracker.list({ kind: 'input' });
  const next = await noted(new Caller(server.port, PUBLISH)).connects();
  next.publish();
  await soon('the old one is replaced', 2_000, () => tracker.get(id)?.closeReason === 'replaced');
  const then = player.received();
  await until('the player plays on', () => player.received() > then + 20_000);
  expect(tracker.list({ kind: 'input', status: 'active' })).toHaveLength(1);
});

it('a publisher with nothing to send and a player with nothing to play are kept, because they answer', async () => {
  await noted(new Caller(server.port, PUBLISH)).connects();
  await noted(new Caller(server.port, 'cam1')).connects();
  await until('both are listed', () => active() === 2);
  const since = Date.now();
  await until('a peer that is gone would be closed', () => Date.now() - since > LATEST, LATEST + 1_000);
  expect(active()).toBe(2);
});
