import { randomUUID } from 'node:crypto';
import { closeClients, connect, type ClientKind } from '../../../test/support/redis-clients.js';
import { startRedis, type RedisServer } from '../../../test/support/redis-server.js';
import { PASS_TYPES, passBook, redisPassStore, type PassStore } from '../src/index.js';
import { passStoreContract } from '../src/testing/index.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const open = async (kind: ClientKind, prefix: string, protocol: 2 | 3 = 3): Promise<PassStore> =>
  redisPassStore((await connect(kind, redis.port, protocol)).client, { prefix });

describe.each<[ClientKind, 2 | 3]>([
  ['redis', 3],
  ['ioredis', 2],
])('with %s and RESP%i', (kind, protocol) => {
  let prefix: string;
  passStoreContract({
    name: 'Redis',
    start: () => open(kind, (prefix = `${randomUUID()}:`), protocol),
    reopen: () => open(kind, prefix, protocol),
    another: () => open(kind, prefix, protocol),
    stop: closeClients,
  });
});

describe('passes in Redis', () => {
  afterEach(closeClients);

  it('bill 1,000 concurrent spendings of ten processes once each', async () => {
    const prefix = `${randomUUID()}:`;
    const stores = await Promise.all(Array.from({ length: 10 }, () => open('ioredis', prefix)));
    const [store] = stores as [PassStore];
    const { id } = await passBook({ store }).create('ann', { type: PASS_TYPES.time_or_data, timeSecs: 600, dataMb: 5 });
    const now = Date.now();
    // each process says that it has seen the same hundred seconds
    const spend = async (each: PassStore, writer: string): Promise<void> => {
      for (let n = 0; n < 100; n++) {
        const stretch = { from: now + n * 100, to: now + (n + 1) * 100, bytes: 1_000, startedAt: now };
        await each.spend(id, { writer, op: n, ...stretch, now: now + (n + 1) * 100 });
      }
    };
    await Promise.all(stores.map((each, i) => spend(each, `process ${i}`)));
    expect(await store.get(id)).toMatchObject({ timeCons: 10, dataCons: 1 });
  });

  it('count a spending once if it is repeated because its answer was lost with the connection', async () => {
    const prefix = `${randomUUID()}:`;
    const [store, aside] = [await open('ioredis', prefix), await connect('redis', redis.port)];
    const { id } = await passBook({ store }).create('ann', { type: PASS_TYPES.data, dataMb: 5 });
    const now = Date.now();
    for (let op = 0; op < 20; op++) {
      const spend = async () =>
        store.spend(id, { writer: 'w', op, from: now, to: now, bytes: 1_000, startedAt: now, now });
      const spent = spend().catch(spend);
      await aside.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await spent;
    }
    expect(await store.get(id)).toMatchObject({ dataCons: 0.02 });
  });

  it('count a top-up once that the client has sent twice, whatever others have changed in between', async () => {
    const prefix = `${randomUUID()}:`;
    const [other, { ask }] = [await open('ioredis', prefix), await connect('redis', redis.port)];
    let between: (() => unknown) | undefined;
    const send = async (_key: string | undefined, args: readonly string[]): Promise<unknown> => {
      const reply = await ask(...(args as [string]));
      if (args[0] !== 'EVAL' || between === undefined) return reply;
      // the answer is lost with its connection
      const meanwhile = between;
      between = undefined;
      await meanwhile();
      return ask(...(args as [string]));
    };
    const store = redisPassStore({ send }, { prefix });
    const { id } = await passBook({ store }).create('ann', { type: PASS_TYPES.data, dataMb: 5 });
    between = () => other.change(id, { addMb: 100 });
    expect(await store.change(id, { addMb: 10 })).toMatchObject({ dataMb: 115 });
    expect(await other.get(id)).toMatchObject({ dataMb: 115 });
    between = () => other.change(id, { addMb: 100 });
    expect(await store.change(id, { addMb: 10, once: { key: 'k', terms: 't' } })).toMatchObject({ dataMb: 225 });
  });

  it('have keys that do not reveal an owner, and that never expire', async () => {
    const prefix = `${randomUUID()}:`;
    const { client, ask } = await connect('redis', redis.port);
    const book = passBook({ store: redisPassStore(client, { prefix }) });
    await book.create('a-secret-token', { type: PASS_TYPES.time, timeSecs: 60 });
    const keys = (await ask('KEYS', `${prefix}*`)) as string[];
    expect(keys).toHaveLength(2);
    expect(keys.join()).not.toContain('secret');
    expect(await Promise.all(keys.map((key) => ask('PTTL', key)))).toEqual([-1, -1]);
  });

  it('accept only a connected client', () => {
    expect(() => redisPassStore({} as never)).toThrow(/client/);
    expect(() => redisPassStore({ send: () => Promise.resolve() }, { prefix: 7 } as never)).toThrow(/prefix/);
  });
});
