import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Session } from '../session/session.js';
import { SseSession } from '../session/sse-session.js';
import { StreamableSession } from '../session/streamable-session.js';
import { idsOf, LONG_MS, type StorageCase } from './world.js';

const MANY = 20;
const POLL_MS = 5;

class Game extends Session {
  isClosed = false;

  constructor(id: string) {
    super(id, 'game');
  }

  override close(): void {
    this.isClosed = true;
  }
}

const code = (expected: string, words?: string) => (error: unknown) => {
  assert.ok(error instanceof Error);
  assert.equal((error as Error & { code?: string }).code, expected);
  if (words !== undefined) assert.ok(error.message.includes(words), error.message);
  return true;
};

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > end) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What every storage keeps to below a manager. */
export const managerCases: StorageCase[] = [
  {
    name: 'a session is found under its id until it is deleted',
    test: async (world) => {
      const manager = world.manager();
      const session = await manager.create();
      assert.match(session.id, /^[0-9a-f-]{36}$/);
      const found = await manager.getOrThrow(session.id);
      assert.equal(found.id, session.id);
      assert.equal(found.type, 'mcp');
      assert.equal(found.createdAt, session.createdAt);
      assert.equal(await manager.count(), 1);
      assert.equal(await manager.delete(session.id), true);
      assert.equal(await manager.delete(session.id), false);
      assert.equal(await manager.get(session.id), undefined);
      await assert.rejects(manager.getOrThrow(session.id), code('ERR_SESSION_NOT_FOUND', 'session not found'));
      assert.equal(await manager.count(), 0);
    },
  },
  {
    name: 'ids are UUIDs of any version in one spelling; others are refused, and found nowhere',
    test: async (world) => {
      const manager = world.manager();
      await manager.addWithId('AAAAAAAA-000A-0001-AAAA-AAAAAAAAAAAA');
      await manager.addWithId('11111111-1111-1111-1111-111111111111');
      const lower = 'aaaaaaaa-000a-0001-aaaa-aaaaaaaaaaaa';
      assert.equal((await manager.get(lower))?.id, lower);
      assert.equal((await manager.peek(lower.toUpperCase()))?.id, lower);
      await assert.rejects(
        manager.addWithId(lower),
        code('ERR_SESSION_EXISTS', `session ID "${lower}" already exists`),
      );
      for (const id of ['', null, undefined] as string[]) {
        await assert.rejects(manager.addWithId(id), code('ERR_BAD_SESSION_ID', 'session ID cannot be empty'));
      }
      for (const id of ['x', `{${lower}}`, `urn:uuid:${lower}`, lower.replaceAll('-', ''), `${lower}\n`, 7 as never]) {
        await assert.rejects(manager.addWithId(id), code('ERR_BAD_SESSION_ID', 'invalid session ID format: '));
        await assert.rejects(manager.delete(id), code('ERR_BAD_SESSION_ID'));
        assert.equal(await manager.get(id), undefined);
      }
      for (const nothing of [null, undefined, {}] as unknown as Session[]) {
        await assert.rejects(manager.addSession(nothing), code('ERR_BAD_SESSION', 'session cannot be nil'));
        await assert.rejects(manager.upsertSession(nothing), code('ERR_BAD_SESSION', 'session cannot be nil'));
      }
    },
  },
  {
    name: 'of 20 racing adds of one id exactly one wins',
    test: async (world) => {
      const [here, there] = [world.manager(), world.manager({}, world.other)];
      const id = randomUUID();
      const added = await Promise.allSettled(
        Array.from({ length: MANY }, (_, i) => (i % 2 === 0 ? here : there).addWithId(id)),
      );
      assert.equal(added.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const one of added) {
        if (one.status === 'rejected') code('ERR_SESSION_EXISTS')(one.reason);
      }
      assert.equal(await here.count(), 1);
    },
  },
  {
    name: 'a factory and a type make their sessions, and they are read as what they are',
    test: async (world) => {
      const kinds = [
        [world.manager({ type: 'sse' }), SseSession, 'sse'],
        [world.manager({ type: 'streamable' }), StreamableSession, 'streamable'],
        [world.manager({ factory: (id) => new Game(id) }), Game, 'game'],
        [world.manager({ type: 'other' }), Session, 'other'],
      ] as const;
      for (const [manager, kind, type] of kinds) {
        const made = await manager.create();
        assert.ok(made instanceof kind, type);
        const read = await manager.get(made.id);
        assert.ok(read instanceof kind, type);
        assert.equal(read?.type, type);
      }
      // a node that does not know the type keeps it
      const game = await kinds[2][0].create();
      const foreign = await world.manager({}, world.other).getOrThrow(game.id);
      assert.equal(foreign.type, 'game');
    },
  },
  {
    name: 'data and metadata are kept as they are, and given as copies',
    test: async (world) => {
      const manager = world.manager();
      const session = new Session(randomUUID());
      const data = { list: [], map: {}, nothing: null, text: 'ü 日本 🙂', number: 1.5, deep: { a: [1, { b: 2 }] } };
      session.data = data;
      session.setMetadata('user', 'eve');
      session.setMetadata('__proto__', 'polluted');
      await manager.addSession(session);
      const read = await manager.getOrThrow(session.id);
      assert.deepEqual(read.data, data);
      assert.deepEqual(Object.entries(read.getMetadata()), [
        ['user', 'eve'],
        ['__proto__', 'polluted'],
      ]);
      read.getMetadata()['user'] = 'mallory';
      read.data.text = 'changed, and not saved';
      assert.equal(read.getMetadataValue('user'), 'eve');
      assert.deepEqual((await manager.getOrThrow(session.id)).data, data);
      assert.equal(read.getMetadataValue('toString'), undefined);
    },
  },
  {
    name: 'changes are saved by update, and those of two nodes do not undo each other',
    test: async (world) => {
      const [here, there] = [world.manager(), world.manager({}, world.other)];
      const { id } = await here.create();
      const [mine, theirs] = [await here.getOrThrow(id), await there.getOrThrow(id)];
      mine.setMetadata('a', '1');
      mine.setMetadata('both', 'mine');
      theirs.setMetadata('b', '2');
      theirs.data = { from: 'there' };
      assert.equal(await there.update(theirs), true);
      assert.equal(await here.update(mine), true);
      const now = await there.getOrThrow(id);
      assert.deepEqual(now.metadata, { a: '1', b: '2', both: 'mine' });
      assert.deepEqual(now.data, { from: 'there' });
      now.deleteMetadata('both');
      now.data.from = 'in place';
      assert.equal(await there.update(now), true);
      const last = await here.getOrThrow(id);
      assert.deepEqual(last.metadata, { a: '1', b: '2' });
      assert.deepEqual(last.data, { from: 'in place' });
      last.data = undefined;
      await here.update(last);
      assert.equal((await here.getOrThrow(id)).data, undefined);
    },
  },
  {
    name: 'five nodes that change one session at once lose nothing',
    test: async (world) => {
      const { id } = await world.manager().create();
      const sessions = await Promise.all(
        Array.from({ length: 5 }, async (_, i) => {
          const manager = world.manager({}, i % 2 === 0 ? world.storage : world.other);
          return { manager, session: await manager.getOrThrow(id), key: `key${i}` };
        }),
      );
      await Promise.all(
        sessions.map(({ manager, session, key }) => {
          session.setMetadata(key, 'x');
          return manager.update(session);
        }),
      );
      const { metadata } = await world.manager().getOrThrow(id);
      assert.deepEqual(Object.keys(metadata).sort(), ['key0', 'key1', 'key2', 'key3', 'key4']);
    },
  },
  {
    name: 'an update brings back neither a session that was deleted nor one that was replaced',
    test: async (world) => {
      const [here, there] = [world.manager(), world.manager({}, world.other)];
      const { id } = await here.create();
      const session = await here.getOrThrow(id);
      session.setMetadata('late', 'yes');
      await there.delete(id);
      assert.equal(await here.update(session), false);
      assert.equal(await here.touch(id), false);
      assert.equal(await here.peek(id), undefined);
      await there.addWithId(id);
      assert.equal(await here.update(session), false);
      assert.deepEqual((await here.getOrThrow(id)).metadata, {});
    },
  },
  {
    name: 'adding, updating and deleting one id at once leaves one whole session or none',
    test: async (world) => {
      const [here, there] = [world.manager(), world.manager({}, world.other)];
      for (let round = 0; round < 5; round++) {
        const session = await here.create();
        session.setMetadata('round', String(round));
        await Promise.allSettled([
          there.addWithId(session.id),
          here.update(session),
          there.delete(session.id),
          here.addWithId(session.id),
          there.touch(session.id),
        ]);
        const left = await there.peek(session.id);
        assert.equal(await here.count(), left === undefined ? 0 : 1);
        assert.equal((await here.peek(session.id)) !== undefined, left !== undefined);
        await here.delete(session.id);
      }
    },
  },
  {
    name: 'upsert stores in place of whatever is there, and add then finds it taken',
    test: async (world) => {
      const manager = world.manager();
      const id = randomUUID();
      const first = new Session(id);
      first.setMetadata('n', '1');
      await manager.upsertSession(first);
      const second = new StreamableSession(id);
      second.setMetadata('m', '2');
      await manager.upsertSession(second);
      const read = await manager.getOrThrow(id);
      assert.equal(read.type, 'streamable');
      assert.deepEqual(read.metadata, { m: '2' });
      await assert.rejects(manager.addSession(new Session(id)), code('ERR_SESSION_EXISTS'));
      assert.equal(await manager.count(), 1);
    },
  },
  {
    name: 'get refreshes, peek and a refused add do not',
    test: async (world) => {
      const manager = world.manager({ ttlMs: world.ttlMs });
      const [got, peeked] = [await manager.create(), await manager.create()];
      await world.elapse(0.6);
      assert.ok((await manager.getOrThrow(got.id)).updatedAt > got.createdAt);
      assert.equal((await manager.peek(peeked.id))?.updatedAt, peeked.createdAt);
      await assert.rejects(manager.addWithId(peeked.id), code('ERR_SESSION_EXISTS'));
      await world.elapse(0.6);
      assert.equal(await manager.get(peeked.id), undefined);
      assert.ok(await manager.get(got.id));
    },
  },
  {
    name: 'touch stores the time and refreshes',
    test: async (world) => {
      const manager = world.manager({ ttlMs: world.ttlMs });
      const { id, createdAt } = await manager.create();
      await world.elapse(0.6);
      assert.equal(await manager.touch(id), true);
      const { updatedAt } = (await manager.peek(id)) ?? { updatedAt: 0 };
      assert.ok(updatedAt > createdAt);
      await world.elapse(0.6);
      assert.ok(await manager.peek(id));
    },
  },
  {
    name: 'a session lasts no longer than maxLifetimeMs, however much it is asked for',
    test: async (world) => {
      const { ttlMs } = world;
      const manager = world.manager({ ttlMs: LONG_MS, maxLifetimeMs: 1.5 * ttlMs });
      const { id } = await manager.create();
      await world.elapse(0.6);
      assert.ok(await manager.get(id));
      await world.elapse(0.6);
      assert.ok(await manager.get(id));
      await world.elapse(0.4);
      assert.equal(await manager.get(id), undefined);
      assert.equal(await manager.peek(id), undefined);
      assert.deepEqual(await idsOf(manager), []);
      assert.equal(await manager.count(), 0);
    },
  },
  {
    name: 'a session of ToolHive is read, and keeps what is unknown here when it is changed',
    test: async (world) => {
      const manager = world.manager();
      const id = randomUUID();
      const text =
        `{"id":"${id}","type":"vmcp","created_at":"2026-03-24T10:00:00.123456789+02:00",` +
        `"updated_at":"2026-03-24T10:00:01.5Z","data":{"big":12345678901234567890,"empty":[]},"metadata":{"k":"v"},"future":[1.0]}`;
      await world.other.create(id, text, LONG_MS);
      const session = await manager.getOrThrow(id);
      assert.equal(session.type, 'vmcp');
      assert.equal(session.createdAt, Date.UTC(2026, 2, 24, 8, 0, 0, 123));
      assert.deepEqual(session.metadata, { k: 'v' });
      session.setMetadata('k2', 'v2');
      assert.equal(await manager.update(session), true);
      const stored = (await world.other.peek(id))?.text ?? '';
      for (const kept of [
        '"2026-03-24T10:00:00.123456789+02:00"',
        '{"big":12345678901234567890,"empty":[]}',
        '[1.0]',
      ]) {
        assert.ok(stored.includes(kept), stored);
      }
      assert.deepEqual((JSON.parse(stored) as { metadata: unknown }).metadata, { k: 'v', k2: 'v2' });
    },
  },
  {
    name: 'what is stored and is no session is an error, and never "absent"',
    test: async (world) => {
      const manager = world.manager();
      const id = randomUUID();
      const good = JSON.parse(world.text(id)) as Record<string, unknown>;
      const bad = [
        '{',
        'null',
        '[]',
        '7',
        ...[{ id: randomUUID() }, { type: 7 }, { created_at: 'now' }, { metadata: { a: 1 } }].map((change) =>
          JSON.stringify({ ...good, ...change }),
        ),
      ];
      for (const text of bad) {
        await world.storage.create(id, text, LONG_MS);
        await assert.rejects(manager.get(id), code('ERR_STORE_CORRUPT'));
        await assert.rejects(manager.peek(id), code('ERR_STORE_CORRUPT'));
        await manager.delete(id);
      }
    },
  },
  {
    name: 'deleting, replacing and stopping close what a session has open, and one that was read is not connected',
    test: async (world) => {
      const manager = world.manager({ type: 'sse' });
      const [deleted, replaced, stopped] = [await manager.create(), await manager.create(), await manager.create()] as [
        SseSession,
        SseSession,
        SseSession,
      ];
      assert.equal(await manager.get(deleted.id), deleted);
      const elsewhere = await world.manager({}, world.other).getOrThrow(deleted.id);
      assert.ok(elsewhere instanceof SseSession);
      assert.equal(elsewhere.isConnected, false);
      assert.throws(() => elsewhere.sendMessage('x'), code('ERR_SESSION_DISCONNECTED', 'session is disconnected'));
      await manager.delete(deleted.id);
      assert.equal(deleted.isConnected, false);
      await manager.upsertSession(new SseSession(replaced.id));
      assert.equal(replaced.isConnected, false);
      await manager.stop();
      assert.equal(stopped.isConnected, false);
    },
  },
  {
    name: 'a sweep closes what is open of sessions that another node deleted or replaced',
    test: async (world) => {
      const manager = world.manager({ type: 'sse', sweepIntervalMs: 10 });
      const there = world.manager({}, world.other);
      const [deleted, replaced, stays] = [await manager.create(), await manager.create(), await manager.create()] as [
        SseSession,
        SseSession,
        SseSession,
      ];
      await there.delete(deleted.id);
      await there.upsertSession(new Session(replaced.id));
      await until('both are closed', () => !deleted.isConnected && !replaced.isConnected);
      assert.equal(stays.isConnected, true);
    },
  },
  {
    name: 'stopping twice is harmless, and every call fails clearly afterwards',
    test: async (world) => {
      const manager = world.manager();
      const session = await manager.create();
      await Promise.all([manager.stop(), manager.stop()]);
      await manager.stop();
      const calls = [
        () => manager.create(),
        () => manager.addWithId(randomUUID()),
        () => manager.addSession(new Session(randomUUID())),
        () => manager.upsertSession(session),
        () => manager.get(session.id),
        () => manager.getOrThrow(session.id),
        () => manager.peek(session.id),
        () => manager.update(session),
        () => manager.touch(session.id),
        () => manager.delete(session.id),
        () => manager.count(),
        () => manager.range(() => true),
      ];
      for (const call of calls) await assert.rejects(call(), code('ERR_MANAGER_STOPPED'));
    },
  },
];
