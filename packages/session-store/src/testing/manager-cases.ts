import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Session } from '../session/session.js';
import { SseSession } from '../session/sse-session.js';
import { StreamableSession } from '../session/streamable-session.js';
import { code } from './checks.js';
import type { StorageCase } from './world.js';

const MANY = 20;

class Game extends Session {
  isClosed = false;

  constructor(id: string) {
    super(id, 'game');
  }

  override close(): void {
    this.isClosed = true;
  }
}

/** What every storage must do below a manager. */
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
      // a node that does not know the type preserves it
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
];
