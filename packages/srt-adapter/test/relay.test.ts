import { createSrtServer, type SrtServer } from '../src/index.js';
import { Caller, type CallOptions } from './support/caller.js';
import { until } from './support/until.js';

let server: SrtServer;
const callers: Caller[] = [];
const call = (streamId: string, options?: CallOptions): Caller => {
  const caller = new Caller(server.port, streamId, options);
  callers.push(caller);
  return caller;
};

beforeEach(() => {
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20 });
});
afterEach(async () => {
  const dropped = Promise.all(callers.splice(0).map((caller) => caller.drop()));
  await server.close();
  await dropped;
});

it('relays a publisher to the players of its stream, whichever way they name it', async () => {
  const publisher = await call('#!::r=live/cam1,m=publish').connects();
  publisher.publish();
  const players = [call('#!::r=cam1,m=request'), call('live/cam1'), call('/live/cam1?token=abc')];
  const other = call('cam2');
  for (const player of players) await until('it plays', () => player.received > 50_000);
  expect(other.received).toBe(0);
  expect(new Set(players.map(({ packets }) => packets[0]!.length))).toEqual(new Set([1316]));
});
