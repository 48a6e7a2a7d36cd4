import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Session } from '../session/session.js';
import { SseSession } from '../session/sse-session.js';
import { code, until } from './checks.js';
import { idsOf, LONG_MS, type StorageCase } from './world.js';

/** How long sessions last below a manager, whatever they contain, and what ends with them. */
export const lifetimeCases: StorageCase[] = [
  {
    name: 'get refreshes, peek and a refused add do not',
    test: async (world) => {
      const manager = world.manager({ ttlMs: world.ttlMs });
      const [got, peeked] = [await manager.create(), await manager.create()];
      await world.elapse(0.55);
      assert.ok((await manager.getOrThrow(got.id)).updatedAt > got.createdAt);
      assert.equal((await manager.peek(peeked.id))?.updatedAt, peeked.createdAt);
      await assert.rejects(manager.addWithId(peeked.id), code('ERR_SESSION_EXISTS'));
      await world.elapse(0.55);
      assert.equal(await manager.get(peeked.id), undefined);
      assert.ok(await manager.get(got.id));
    },
  },
  {
    name: 'touch stores the time and refreshes',
    test: async (world) => {
      const manager = world.manager({ ttlMs: world.ttlMs });
      const { id, createdAt } = await manager.create();
      await world.elapse(0.55);
      assert.equal(await manager.touch(id), true);
      const { updatedAt } = (await manager.peek(id)) ?? { updatedAt: 0 };
      assert.ok(updatedAt > createdAt);
      await world.elapse(0.55);
      assert.ok(await manager.peek(id));
    },
  },
  {
    name: 'a session lasts no longer than maxLifetimeMs, however much it is asked for',
    test: async (world) => {
      const { ttlMs } = world;
      const manager = world.manager({ ttlMs: LONG_MS, maxLifetimeMs: 1.6 * ttlMs });
      const { id } = await manager.create();
      await world.elapse(0.5);
      assert.ok(await manager.get(id));
      await world.elapse(0.5);
      assert.ok(await manager.get(id));
      await world.elapse(0.65);
      assert.equal(await manager.get(id), undefined);
      assert.equal(await manager.peek(id), undefined);
      assert.deepEqual(await idsOf(manager), []);
      assert.equal(await manager.count(), 0);
    },
  },
  {
    name: 'a session of ToolHive is read, and keeps its unknown fields when it is changed',
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
    name: 'a stored value that is not a session is an error, and never "absent"',
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
    name: 'deleting, replacing and stopping close the session’s connection, and a session that was read has none',
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
    name: 'a sweep closes the connections of sessions that another node deleted or replaced',
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
    name: 'a sweep goes on past a session that another program has damaged',
    test: async (world) => {
      const manager = world.manager({ type: 'sse', sweepIntervalMs: 10 });
      const damaged = (await manager.create()) as SseSession;
      // it looks at a hundred at a time
      await Promise.all(Array.from({ length: 100 }, () => manager.create()));
      const deleted = (await manager.create()) as SseSession;
      await world.other.update(damaged.id, '{', { ttlMs: LONG_MS });
      await world.manager({}, world.other).delete(deleted.id);
      await until('the deleted one is closed', () => !deleted.isConnected);
      assert.equal(damaged.isConnected, true);
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
