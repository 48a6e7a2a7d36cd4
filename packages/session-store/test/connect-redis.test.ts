import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createManager, type Storage } from '@stream-sessions/session-store';
import { connectRedis, type RedisConfig } from '@stream-sessions/session-store/redis';
import { until } from '../../../test/support/until.js';
import type { RedisSettings } from '../src/redis/config.js';
import { connectWith } from '../src/redis/connect-redis.js';
import { ioredisClient, nodeRedisClient } from '../src/redis/open-client.js';
import { certificate } from './support/certificate.js';
import { clientKinds, closeClients, connect, type ClientKind } from '../../../test/support/redis-clients.js';
import { freePort } from '../../../test/support/free-port.js';
import { startRedis, type RedisServer } from '../../../test/support/redis-server.js';

const openers = {
  redis: async (settings: RedisSettings) => nodeRedisClient(await import('redis'), settings),
  ioredis: async (settings: RedisSettings) => ioredisClient(await import('ioredis'), settings),
};
/** As if only this package were installed. */
const connectBy = (kind: ClientKind, config: RedisConfig): Promise<Storage> =>
  connectWith(config, { [kind]: openers[kind] });

const missing = (name: string) => async () => {
  throw Object.assign(new Error(`Cannot find package '${name}' imported from here`), { code: 'ERR_MODULE_NOT_FOUND' });
};

const keyPrefix = 'test:';
const opened: Storage[] = [];
const keep = (storage: Storage): Storage => {
  opened.push(storage);
  return storage;
};

let server: RedisServer;
let addr: string;
beforeAll(async () => {
  const { key, cert } = certificate();
  const tlsPort = await freePort();
  server = await startRedis((folder) => {
    writeFileSync(join(folder, 'key.pem'), key);
    writeFileSync(join(folder, 'cert.pem'), cert);
    const tls = {
      port: tlsPort,
      'cert-file': 'cert.pem',
      'key-file': 'key.pem',
      'ca-cert-file': 'cert.pem',
      'auth-clients': 'no',
    };
    return Object.entries(tls).flatMap(([name, value]) => [`--tls-${name}`, String(value)]);
  });
  addr = `127.0.0.1:${server.port}`;
  tls = { addr: `127.0.0.1:${tlsPort}`, cert };
  const admin = await connect('ioredis', server.port);
  await admin.ask('ACL', 'SETUSER', 'keeper', 'on', '>secret', '~test:*', '+@all');
});
let tls: { addr: string; cert: Buffer };
afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close();
});
afterAll(async () => {
  closeClients();
  await server.stop();
});

async function works(storage: Storage): Promise<void> {
  const manager = createManager({ storage });
  const { id } = await manager.create();
  expect((await manager.getOrThrow(id)).id).toBe(id);
  expect(await manager.delete(id)).toBe(true);
}

describe('the configuration of Redis', () => {
  const ok = { addr: '127.0.0.1:1', keyPrefix };
  const sentinel = { masterName: 'main', sentinelAddrs: ['127.0.0.1:1'] };
  it.each<[object, RegExp]>([
    [{ keyPrefix }, /invalid redis configuration: one of "addr" and "sentinel" must be set/],
    [{ ...ok, sentinel }, /"addr" and "sentinel" are mutually exclusive/],
    [{ keyPrefix, sentinel: { ...sentinel, masterName: '' } }, /"sentinel.masterName" is required/],
    [{ keyPrefix, sentinel: { ...sentinel, sentinelAddrs: [] } }, /"sentinel.sentinelAddrs" must not be empty/],
    [
      { keyPrefix, sentinel: { ...sentinel, sentinelAddrs: ['a:b'] } },
      /sentinel.sentinelAddrs\[0\] must be "host:port"/,
    ],
    [{ keyPrefix, sentinel: { ...sentinel, master: 'x' } }, /sentinel: unknown option "master"/],
    [{ addr: ok.addr }, /keyPrefix must be a string that ends with ":"/],
    [{ ...ok, keyPrefix: 'sessions' }, /keyPrefix/],
    [{ ...ok, keyPrefix: ':' }, /keyPrefix/],
    [{ ...ok, addr: 'redis://127.0.0.1:6379' }, /addr must be "host:port"/],
    [{ ...ok, addr: '127.0.0.1:70000' }, /addr/],
    [{ ...ok, addr: '127.0.0.1:0' }, /addr/],
    [{ ...ok, addr: '' }, /addr/],
    [{ ...ok, db: -1 }, /db must be a whole number from 0/],
    [{ ...ok, username: 'eve' }, /"password" is required with "username"/],
    [{ ...ok, dialTimeoutMs: 0 }, /dialTimeoutMs/],
    [{ ...ok, readTimeoutMs: -1 }, /readTimeoutMs/],
    [{ ...ok, writeTimeoutMs: '3s' }, /writeTimeoutMs/],
    [{ ...ok, ttlMs: 0 }, /ttlMs/],
    [{ ...ok, tls: { caCert: 'no PEM' } }, /"tls.caCert" is not a certificate in PEM/],
    [{ ...ok, tls: { ca: 'x' } }, /tls: unknown option "ca". Known: caCert/],
    [{ ...ok, adr: 'x' }, /Did you mean "addr"/],
  ])('%j is refused, and the error names the field', async (config, message) => {
    await expect(connectRedis(config as RedisConfig)).rejects.toMatchObject({
      code: 'ERR_BAD_OPTION',
      message: expect.stringMatching(message) as string,
    });
  });

  it('shows no password that is in the wrong place', async () => {
    const config = { ...ok, password: ['hunter2'] as never };
    await expect(connectRedis(config)).rejects.toThrow(/^(?!.*hunter2).*"password" must be a string/);
  });
});

describe('connectRedis()', () => {
  it('uses redis, else ioredis, and says so when neither is installed', async () => {
    const config = { addr, keyPrefix };
    const asked: string[] = [];
    const noting = (name: ClientKind) => (settings: RedisSettings) => {
      asked.push(name);
      return openers[name](settings);
    };
    keep(await connectRedis(config));
    keep(await connectWith(config, { redis: noting('redis'), ioredis: noting('ioredis') }));
    expect(asked.splice(0)).toEqual(['redis']);
    await works(keep(await connectWith(config, { redis: missing('redis'), ioredis: noting('ioredis') })));
    expect(asked).toEqual(['ioredis']);
    await expect(connectWith(config, { redis: missing('redis'), ioredis: missing('ioredis') })).rejects.toMatchObject({
      code: 'ERR_REDIS_CLIENT_MISSING',
      message: expect.stringContaining('npm install redis') as string,
    });
    // something that is missing inside of the package is another matter
    await expect(connectWith(config, { redis: missing('left-pad') })).rejects.toThrow(/left-pad/);
  });
});

describe.each(clientKinds)('connectRedis() with the package %s', (kind) => {
  it('keeps sessions in the configured database, with the configured TTL', async () => {
    const storage = keep(await connectBy(kind, { addr, keyPrefix, db: 3, ttlMs: 5_000 }));
    const manager = createManager({ storage });
    const { id } = await manager.create();
    const admin = await connect('ioredis', server.port);
    expect(await admin.ask('EXISTS', keyPrefix + id)).toBe(0);
    await admin.ask('SELECT', '3');
    expect(Number(await admin.ask('PTTL', keyPrefix + id))).toBeGreaterThan(0);
    expect(Number(await admin.ask('PTTL', keyPrefix + id))).toBeLessThanOrEqual(5_000);
    await manager.stop();
  });

  it('closes its connection with the storage', async () => {
    const admin = await connect('ioredis', server.port);
    const clients = async () =>
      String(await admin.ask('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    const before = await clients();
    const storage = await connectBy(kind, { addr, keyPrefix });
    expect(await clients()).toBe(before + 1);
    await storage.close();
    await until('the connection is gone', async () => (await clients()) === before);
  });

  it('logs in as an ACL user, and says so when the password is wrong', async () => {
    await works(keep(await connectBy(kind, { addr, keyPrefix, username: 'keeper', password: 'secret' })));
    const wrong = connectBy(kind, { addr, keyPrefix, username: 'keeper', password: 'hunter2' });
    await expect(wrong).rejects.toMatchObject({
      code: 'ERR_STORE_DENIED',
      status: 503,
      message: expect.stringMatching(/^(?!.*hunter2)/) as string,
    });
  });

  it('uses TLS, if the certificate is from the configured authority', async () => {
    await works(keep(await connectBy(kind, { addr: tls.addr, keyPrefix, tls: { caCert: tls.cert } })));
    await works(keep(await connectBy(kind, { addr: tls.addr, keyPrefix, tls: { insecureSkipVerify: true } })));
    await expect(connectBy(kind, { addr: tls.addr, keyPrefix, tls: {} })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('self-signed certificate') as string,
    });
    await expect(
      connectBy(kind, { addr, keyPrefix, tls: { insecureSkipVerify: true }, dialTimeoutMs: 500 }),
    ).rejects.toMatchObject({
      status: 503,
    });
  });

  it('says why it fails when nothing listens, and leaves nothing behind', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    await expect(connectBy(kind, { addr: nobody, keyPrefix })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('gives up on a server that sends nothing, and closes the connection', async () => {
    const silent: Server = createServer((socket) => socket.resume().on('error', () => undefined)).listen(
      0,
      '127.0.0.1',
    );
    await once(silent, 'listening');
    const port = (silent.address() as AddressInfo).port;
    const limits = { dialTimeoutMs: 200, readTimeoutMs: 100, writeTimeoutMs: 100 };
    const accepted = once(silent, 'connection');
    await expect(connectBy(kind, { addr: `127.0.0.1:${port}`, keyPrefix, ...limits })).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_STORE_(TIMEOUT|UNAVAILABLE)/) as string,
    });
    await accepted;
    await until(
      'it has hung up',
      () => new Promise((resolve) => silent.getConnections((_, count) => resolve(count === 0))),
    );
    silent.close();
  });

  it('reconnects by itself when Redis was restarted', async () => {
    const own = await startRedis();
    const limits = { readTimeoutMs: 150, writeTimeoutMs: 150 };
    const storage = keep(await connectBy(kind, { addr: `127.0.0.1:${own.port}`, keyPrefix, ...limits }));
    await works(storage);
    await own.kill();
    await expect(storage.peek(randomUUID())).rejects.toMatchObject({ status: 503 });
    await own.restart();
    await until('it answers', () =>
      storage.count().then(
        () => true,
        () => false,
      ),
    );
    await works(storage);
    await own.stop();
  });
});
