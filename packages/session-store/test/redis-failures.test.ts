import { randomUUID } from 'node:crypto';
import { createManager, Session, type Storage } from '@stream-sessions/session-store';
import { redisStorage } from '@stream-sessions/session-store/redis';
import { soon, until } from '../../../test/support/until.js';
import { clientKinds, closeClients, connect, type OpenClient } from '../../../test/support/redis-clients.js';
import { lossyProxy } from './support/lossy-proxy.js';
import { freePort } from '../../../test/support/free-port.js';
import { startRedis, type RedisServer } from '../../../test/support/redis-server.js';

const LIMIT_MS = 300;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterEach(closeClients);
afterAll(() => server.stop());

const textOf = (id: string, nonce: string = randomUUID()) =>
  `{"id":"${id}","type":"mcp","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","nonce":"${nonce}"}`;

/** How each of these ended: a code and a status, or what it gave. */
async function outcomes(storage: Storage, id: string): Promise<unknown[]> {
  const asked = await Promise.allSettled([
    storage.create(id, textOf(id), 60_000),
    storage.update(id, textOf(id), { ttlMs: 60_000 }),
    storage.load(id, 60_000),
    storage.peek(id),
    storage.count(),
    storage.delete(id),
  ]);
  return asked.map((one) => {
    if (one.status === 'fulfilled') return one.value;
    const { code, status } = one.reason as { code: string; status: number };
    return `${code} ${status}`;
  });
}

describe.each(clientKinds)('Redis, with a client of the package %s', (kind) => {
  let node: OpenClient;
  let storage: Storage;
  /** Waits for no answer for longer than `LIMIT_MS`. */
  let hasty: Storage;
  let keyPrefix: string;
  beforeEach(async () => {
    keyPrefix = `test:${randomUUID()}:`;
    node = await connect(kind, server.port);
    storage = redisStorage(node.client, { keyPrefix });
    hasty = redisStorage(node.client, { keyPrefix, commandTimeoutMs: LIMIT_MS });
  });
  afterEach(() => Promise.all([storage.close(), hasty.close()]));

  it('that is slow causes a timeout of every call, within the limit, and the call may still take effect', async () => {
    const id = randomUUID();
    server.signal('SIGSTOP');
    try {
      let isOver = false;
      const ended = outcomes(hasty, id).finally(() => (isOver = true));
      await soon('all have ended', LIMIT_MS + 1_500, () => isOver);
      // the index comes first, so that the second of two commands is not sent
      expect(await ended).toEqual(Array(6).fill('ERR_STORE_TIMEOUT 503'));
    } finally {
      server.signal('SIGCONT');
    }
    expect(await storage.create(randomUUID(), textOf(id), 60_000)).toBe(true);
    const late = randomUUID();
    await storage.create(late, textOf(late), 60_000);
    server.signal('SIGSTOP');
    const update = hasty.update(late, textOf(late, 'late'), { ttlMs: 60_000 });
    await expect(update).rejects.toMatchObject({
      code: 'ERR_STORE_TIMEOUT',
      message: expect.stringContaining('may still happen'),
    });
    server.signal('SIGCONT');
    await until('it has happened', async () => (await storage.peek(late))?.text.includes('"late"'));
  });

  it('that is down makes every call fail, never return "absent", and is used again when it is back', async () => {
    const [manager, above] = [createManager({ storage }), createManager({ storage: hasty })];
    const { id } = await manager.create();
    await server.kill();
    try {
      const errors = await outcomes(hasty, id);
      for (const error of errors) expect(error).toMatch(/^ERR_STORE_(UNAVAILABLE|TIMEOUT) 503$/);
      await expect(above.get(id)).rejects.toMatchObject({ status: 503 });
      await expect(above.getOrThrow(id)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_STORE_/) });
    } finally {
      await server.restart();
    }
    await until('it answers again', () =>
      storage.count().then(
        () => true,
        () => false,
      ),
    );
    expect(await manager.get(id)).toBeUndefined();
    await manager.create();
    expect(await manager.count()).toBe(1);
    await Promise.all([manager.stop(), above.stop()]);
  });

  it('that is full makes writes fail with an error that says so, and works again when there is room', async () => {
    const id = randomUUID();
    const first = randomUUID();
    await storage.create(first, textOf(first), 60_000);
    await node.ask('CONFIG', 'SET', 'maxmemory', '1');
    await expect(storage.create(id, textOf(id), 60_000)).rejects.toMatchObject({ code: 'ERR_STORE_FULL', status: 503 });
    await expect(storage.update(first, textOf(first), { ttlMs: 60_000 })).rejects.toMatchObject({
      code: 'ERR_STORE_FULL',
    });
    expect(await storage.peek(first)).toBeDefined();
    await node.ask('CONFIG', 'SET', 'maxmemory', '0');
    expect(await storage.create(id, textOf(id), 60_000)).toBe(true);
  });

  it('that has become a replica makes calls fail with an error that says so, until it is a master again', async () => {
    const id = randomUUID();
    await storage.create(id, textOf(id), 60_000);
    await node.ask('REPLICAOF', '127.0.0.1', String(await freePort()));
    try {
      await expect(storage.create(randomUUID(), textOf(id), 60_000)).rejects.toMatchObject({
        code: 'ERR_STORE_READONLY',
        status: 503,
      });
      await expect(storage.load(id, 60_000)).rejects.toMatchObject({ code: 'ERR_STORE_READONLY' });
      await expect(storage.update(id, textOf(id), { ttlMs: 60_000 })).rejects.toMatchObject({
        code: 'ERR_STORE_READONLY',
      });
    } finally {
      await node.ask('REPLICAOF', 'NO', 'ONE');
    }
    expect(await storage.load(id, 60_000)).toBeDefined();
  });

  it('with another type under the key of a session or of the index causes an error, and is left alone', async () => {
    const id = randomUUID();
    await node.ask('RPUSH', keyPrefix + id, 'a list');
    const wrong = { code: 'ERR_STORE_WRONG_TYPE', status: 500 };
    await expect(storage.create(id, textOf(id), 60_000)).rejects.toMatchObject(wrong);
    await expect(storage.update(id, textOf(id), { ttlMs: 60_000 })).rejects.toMatchObject(wrong);
    await expect(storage.update(id, textOf(id), { ttlMs: 60_000, expected: 'x' })).rejects.toMatchObject(wrong);
    await expect(storage.load(id, 60_000)).rejects.toMatchObject(wrong);
    await expect(storage.peek(id)).rejects.toMatchObject(wrong);
    expect(await node.ask('LLEN', keyPrefix + id)).toBe(1);
    await node.ask('SET', `${keyPrefix}!index`, 'no sorted set');
    await expect(storage.count()).rejects.toMatchObject(wrong);
    await expect(storage.create(randomUUID(), textOf(id), 60_000)).rejects.toMatchObject(wrong);
  });

  it('whose user lacks a right causes an error that says so; the rights named in the README suffice', async () => {
    await node.ask('ACL', 'SETUSER', 'reader', 'on', '>secret', `~${keyPrefix}*`, '+get', '+ping');
    await node.ask('AUTH', 'reader', 'secret');
    await expect(storage.load(randomUUID(), 60_000)).rejects.toMatchObject({ code: 'ERR_STORE_DENIED', status: 503 });
    expect(await storage.peek(randomUUID())).toBeUndefined();
    const admin = await connect(kind, server.port);
    const rights = '+ping +info|memory +get +getex +set +del +pttl +eval +zadd +zscore +zrem +zscan +zrangebyscore';
    await admin.ask('ACL', 'SETUSER', 'keeper', 'on', '>secret', `~${keyPrefix}*`, ...rights.split(' '));
    await node.ask('AUTH', 'keeper', 'secret');
    const manager = createManager({ storage });
    const session = await manager.create();
    session.setMetadata('a', '1');
    expect(await manager.update(session)).toBe(true);
    await manager.upsertSession(new Session(session.id));
    expect(await manager.touch(session.id)).toBe(true);
    expect([await manager.count(), await storage.deleteExpired()]).toEqual([1, 0]);
    expect(await manager.delete(session.id)).toBe(true);
    await admin.ask('ZADD', `${keyPrefix}!index`, '1', randomUUID());
    expect(await storage.deleteExpired()).toBe(1);
  });

  it('is asked for a session in one round trip', async () => {
    const manager = createManager({ storage });
    const { id } = await manager.create();
    await node.ask('CONFIG', 'RESETSTAT');
    for (let n = 0; n < 10; n++) await manager.get(id);
    const calls = [...String(await node.ask('INFO', 'commandstats')).matchAll(/cmdstat_(\S+):calls=(\d+)/g)];
    const asked = calls.map(([, name, n]) => `${name} ${n}`).filter((line) => !line.startsWith('config'));
    expect(asked).toEqual(['getex 10']);
  });

  it('loses no session whose answer was lost: adding it again does not report a duplicate', async () => {
    const proxy = await lossyProxy(server.port);
    const behind = await connect(kind, proxy.port);
    const lossy = redisStorage(behind.client, { keyPrefix });
    const id = randomUUID();
    const text = textOf(id);
    proxy.loseAnswerTo('NX');
    // one client sends it again by itself, the other leaves that to its user
    const first = await lossy.create(id, text, 60_000).catch((error: { code: string }) => error.code);
    expect(proxy.lost).toBe(1);
    expect([true, 'ERR_STORE_UNAVAILABLE']).toContain(first);
    if (kind === 'ioredis') expect(first).toBe(true);
    expect((await storage.peek(id))?.text).toBe(text);
    expect(await lossy.create(id, text, 60_000)).toBe(true);
    expect(await lossy.create(id, textOf(id), 60_000)).toBe(false);
    expect((await storage.peek(id))?.text).toBe(text);
    await lossy.close();
    await proxy.close();
  });

  it('gets no more than 10,000 commands that it does not answer', async () => {
    await storage.close();
    storage = redisStorage(node.client, { keyPrefix, commandTimeoutMs: 150 });
    server.signal('SIGSTOP');
    try {
      const asked = Array.from({ length: 10_005 }, () =>
        storage.peek(randomUUID()).catch(({ code }: { code: string }) => code),
      );
      const codes = await Promise.all(asked);
      expect(codes.filter((code) => code === 'ERR_STORE_BUSY')).toHaveLength(5);
      expect(codes.filter((code) => code === 'ERR_STORE_TIMEOUT')).toHaveLength(10_000);
    } finally {
      server.signal('SIGCONT');
    }
    await until('it answers again', () =>
      storage.peek(randomUUID()).then(
        () => true,
        () => false,
      ),
    );
  });

  it('holds sessions of ToolHive, which can also read those of this package', async () => {
    const manager = createManager({ storage, ttlMs: 60_000 });
    const id = randomUUID();
    // as Go writes it, with EX
    const foreign = `{"id":"${id}","type":"sse","created_at":"2026-03-24T10:00:00.123456789Z","updated_at":"2026-03-24T10:00:01+02:00"}`;
    await node.ask('SET', keyPrefix + id, foreign, 'EX', '60');
    const session = await manager.getOrThrow(id);
    expect(session).toMatchObject({ type: 'sse', isConnected: false, createdAt: Date.UTC(2026, 2, 24, 10, 0, 0, 123) });
    expect(await manager.count()).toBe(0);
    session.setMetadata('a', 'b');
    await manager.update(session);
    expect(await manager.count()).toBe(1);
    const stored = String(await node.ask('GET', keyPrefix + id));
    expect(stored).toContain('"created_at":"2026-03-24T10:00:00.123456789Z"');
    // what its decoder wants: two texts, two RFC 3339 times, and absent or a map of texts
    const ours = await manager.create();
    ours.setMetadata('k', 'v');
    await manager.update(ours);
    const written = JSON.parse(String(await node.ask('GET', keyPrefix + ours.id))) as Record<string, unknown>;
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown;
    expect(written).toEqual({
      id: ours.id,
      type: 'mcp',
      created_at: time,
      updated_at: time,
      metadata: { k: 'v' },
      nonce: expect.any(String),
    });
    const left = Number(await node.ask('PTTL', keyPrefix + ours.id));
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  it('counts existing sessions only, whoever removed the others, and eventually forgets their ids', async () => {
    const ids = Array.from({ length: 300 }, () => randomUUID());
    await Promise.all(ids.map((id) => storage.create(id, textOf(id), 60_000)));
    const [removed = '', evicted = '', noted = ''] = ids;
    await storage.delete(removed);
    await node.ask('DEL', keyPrefix + evicted);
    // somebody is about to store this one, and has noted its id
    await node.ask('DEL', keyPrefix + noted);
    expect(await storage.count()).toBe(297);
    expect(await storage.deleteExpired()).toBe(0);
    expect(await node.ask('ZCARD', `${keyPrefix}!index`)).toBe(300);
    await node.ask('SET', keyPrefix + noted, textOf(noted), 'PX', '60000');
    expect(await storage.count()).toBe(298);
    // their time has come: those that are gone are forgotten, and one that lives on is planned anew
    for (const id of [removed, evicted, noted]) await node.ask('ZADD', `${keyPrefix}!index`, '1', id);
    expect(await storage.deleteExpired()).toBe(2);
    expect(await node.ask('ZCARD', `${keyPrefix}!index`)).toBe(298);
    expect(Number(await node.ask('ZSCORE', `${keyPrefix}!index`, noted))).toBeGreaterThan(Date.now());
    // a key without an end counts, too
    await node.ask('PERSIST', keyPrefix + noted);
    expect(await storage.count()).toBe(298);
  });
});

it('Redis that evicts keys when it is full causes one warning', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const node = await connect('ioredis', server.port);
  await node.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  try {
    for (let n = 0; n < 3; n++) {
      const storage = redisStorage(node.client, { keyPrefix: `test:${n}:` });
      const id = randomUUID();
      await storage.create(id, textOf(id), 1_000);
      await storage.close();
    }
    await until('the warning', () => warn.mock.calls.length > 0);
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('"allkeys-lru"'), { code: 'STREAM_SESSIONS_EVICTING_REDIS' }],
    ]);
  } finally {
    await node.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  }
});
