import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Storage } from '../storage/storage.js';
import { idsOf, LONG_MS, type StorageCase } from './world.js';

const MANY = 20;
const many = Array.from({ length: MANY }, (_, i) => i);

const isError = (error: unknown): boolean =>
  error instanceof Error && /^ERR_/.test(String((error as { code?: unknown }).code));

/** Every operation of a storage, by name. */
const asked = (storage: Storage, id: string, text: string): Record<string, () => Promise<unknown>> => ({
  create: () => storage.create(id, text, LONG_MS),
  update: () => storage.update(id, text, { ttlMs: LONG_MS }),
  load: () => storage.load(id, LONG_MS),
  peek: () => storage.peek(id),
  delete: () => storage.delete(id),
  count: () => storage.count(),
  range: () => storage.range(() => true),
});

/** What every storage must do on its own. */
export const storageCases: StorageCase[] = [
  {
    name: 'a storage keeps a text exactly as it was given',
    test: async ({ storage, other }) => {
      const id = randomUUID();
      const text = `{"id":"${id}","data":{"list":[],"map":{},"big":12345678901234567890,"text":"\\u0000 ü 日本 🙂"}}`;
      assert.equal(await storage.create(id, text, LONG_MS), true);
      assert.equal((await other.peek(id))?.text, text);
      assert.equal((await other.load(id, LONG_MS))?.text, text);
    },
  },
  {
    name: 'of 20 racing creates of one id exactly one wins',
    test: async (world) => {
      const id = randomUUID();
      const texts = many.map(() => world.text(id));
      const won = await Promise.all(
        texts.map((text, i) => (i % 2 === 0 ? world.storage : world.other).create(id, text, LONG_MS)),
      );
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal((await world.storage.peek(id))?.text, texts[won.indexOf(true)]);
    },
  },
  {
    name: 'create neither changes nor refreshes a session that exists',
    test: async (world) => {
      const { storage, ttlMs } = world;
      const id = randomUUID();
      const text = world.text(id);
      await storage.create(id, text, ttlMs);
      await world.elapse(0.55);
      assert.equal(await storage.create(id, world.text(id), ttlMs), false);
      assert.equal((await storage.peek(id))?.text, text);
      await world.elapse(0.55);
      assert.equal(await storage.peek(id), undefined);
    },
  },
  {
    name: 'update writes only what exists',
    test: async (world) => {
      const { storage, other } = world;
      const id = randomUUID();
      assert.equal(await storage.update(id, world.text(id), { ttlMs: LONG_MS }), 'absent');
      assert.equal(await storage.peek(id), undefined);
      await storage.create(id, world.text(id), LONG_MS);
      const text = world.text(id);
      assert.equal(await storage.update(id, text, { ttlMs: LONG_MS }), 'updated');
      assert.equal((await other.peek(id))?.text, text);
    },
  },
  {
    name: 'update with an expected text writes only over that text',
    test: async (world) => {
      const { storage, other } = world;
      const id = randomUUID();
      const [first, second, third] = [world.text(id), world.text(id), world.text(id)];
      assert.equal(await storage.update(id, second, { expected: first, ttlMs: LONG_MS }), 'absent');
      await storage.create(id, first, LONG_MS);
      assert.equal(await other.update(id, second, { expected: first, ttlMs: LONG_MS }), 'updated');
      assert.equal(await storage.update(id, third, { expected: first, ttlMs: LONG_MS }), 'changed');
      assert.equal((await storage.peek(id))?.text, second);
    },
  },
  {
    name: 'of 20 racing updates that expect one text exactly one wins',
    test: async (world) => {
      const id = randomUUID();
      const expected = world.text(id);
      await world.storage.create(id, expected, LONG_MS);
      const results = await Promise.all(
        many.map((i) =>
          (i % 2 === 0 ? world.storage : world.other).update(id, world.text(id), { expected, ttlMs: LONG_MS }),
        ),
      );
      assert.equal(results.filter((result) => result === 'updated').length, 1);
      assert.equal(results.filter((result) => result === 'changed').length, MANY - 1);
    },
  },
  {
    name: 'load refreshes a session, peek and range do not',
    test: async (world) => {
      const { storage, ttlMs } = world;
      const [loaded, peeked] = [randomUUID(), randomUUID()];
      await storage.create(loaded, world.text(loaded), ttlMs);
      await storage.create(peeked, world.text(peeked), ttlMs);
      await world.elapse(0.55);
      assert.notEqual(await storage.load(loaded, LONG_MS), undefined);
      assert.notEqual(await storage.peek(peeked), undefined);
      assert.equal((await idsOf(storage)).length, 2);
      await world.elapse(0.55);
      assert.notEqual(await storage.peek(loaded), undefined);
      assert.equal(await storage.peek(peeked), undefined);
    },
  },
  {
    name: 'an expired session is absent to everything, though it was not swept',
    test: async (world) => {
      const { storage, other, ttlMs } = world;
      const id = randomUUID();
      await storage.create(id, world.text(id), ttlMs);
      await world.elapse(1.05);
      assert.equal(await storage.count(), 0);
      assert.deepEqual(await idsOf(storage), []);
      assert.equal(await storage.peek(id), undefined);
      assert.equal(await storage.load(id, ttlMs), undefined);
      assert.equal(await storage.update(id, world.text(id), { ttlMs }), 'absent');
      assert.equal(await storage.delete(id), false);
      assert.equal(await other.create(id, world.text(id), LONG_MS), true);
      assert.equal(await storage.count(), 1);
    },
  },
  {
    name: 'update sets the end of a session anew, also an earlier one',
    test: async (world) => {
      const { storage, ttlMs } = world;
      const id = randomUUID();
      const text = world.text(id);
      await storage.create(id, text, LONG_MS);
      assert.equal(await storage.update(id, text, { expected: text, ttlMs }), 'updated');
      await world.elapse(1.05);
      assert.equal(await storage.peek(id), undefined);
      assert.equal(await storage.count(), 0);
    },
  },
  {
    name: 'delete says whether there was a session, and does not mind if there was none',
    test: async (world) => {
      const { storage, other } = world;
      const id = randomUUID();
      assert.equal(await storage.delete(id), false);
      await storage.create(id, world.text(id), LONG_MS);
      assert.equal(await other.delete(id), true);
      assert.equal(await storage.delete(id), false);
      assert.equal(await storage.load(id, LONG_MS), undefined);
    },
  },
  {
    name: 'an update never undoes a delete that came between',
    test: async (world) => {
      const { storage, other } = world;
      const ids = many.map(() => randomUUID());
      await Promise.all(ids.map((id) => storage.create(id, world.text(id), LONG_MS)));
      await Promise.all(
        ids.flatMap((id) => [
          storage.update(id, world.text(id), { ttlMs: LONG_MS }),
          other.delete(id),
          storage.update(id, world.text(id), { ttlMs: LONG_MS }),
        ]),
      );
      assert.deepEqual(
        await Promise.all(ids.map((id) => storage.peek(id))),
        many.map(() => undefined),
      );
      assert.equal(await storage.count(), 0);
    },
  },
  {
    name: 'count and range know what was created, deleted, refreshed and has expired',
    test: async (world) => {
      const { storage, other, ttlMs } = world;
      const [stays, refreshed, deleted, expired] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
      await storage.create(stays, world.text(stays), LONG_MS);
      for (const id of [refreshed, deleted, expired]) await storage.create(id, world.text(id), ttlMs);
      assert.equal(await other.count(), 4);
      await other.delete(deleted);
      assert.deepEqual(await idsOf(storage), [stays, refreshed, expired].sort());
      await world.elapse(0.55);
      await storage.load(refreshed, LONG_MS);
      await world.elapse(0.55);
      assert.equal(await storage.count(), 2);
      assert.deepEqual(await idsOf(other), [stays, refreshed].sort());
    },
  },
  {
    name: 'range goes through many sessions once each, and stops when it is told to',
    test: async (world) => {
      const { storage } = world;
      const ids = Array.from({ length: 700 }, () => randomUUID());
      await Promise.all(ids.map((id) => storage.create(id, world.text(id), LONG_MS)));
      assert.deepEqual(await idsOf(storage), [...ids].sort());
      assert.equal(await storage.count(), ids.length);
      let seen = 0;
      await storage.range(async () => ++seen < 5);
      assert.equal(seen, 5);
    },
  },
  {
    name: 'tidying up removes what has expired, and nothing that was refreshed or replaced meanwhile',
    test: async (world) => {
      const { storage, other, ttlMs } = world;
      const [touched, replaced, expired] = [many, many, many].map((list) => list.map(() => randomUUID()));
      const all = [...(touched ?? []), ...(replaced ?? []), ...(expired ?? [])];
      await Promise.all(all.map((id) => storage.create(id, world.text(id), ttlMs)));
      await world.elapse(0.55);
      await Promise.all((touched ?? []).map((id) => storage.load(id, LONG_MS)));
      await world.elapse(0.55);
      await Promise.all([
        storage.deleteExpired(),
        ...(replaced ?? []).map((id) => other.create(id, world.text(id), LONG_MS)),
        other.deleteExpired(),
      ]);
      assert.deepEqual(await idsOf(storage), [...(touched ?? []), ...(replaced ?? [])].sort());
      assert.equal(await storage.count(), 2 * MANY);
    },
  },
  {
    name: 'closing twice is harmless, and everything is refused afterwards',
    test: async (world) => {
      const { storage } = world;
      const id = randomUUID();
      await storage.create(id, world.text(id), LONG_MS);
      await storage.close();
      await storage.close();
      for (const [name, ask] of Object.entries(asked(storage, id, world.text(id)))) {
        await assert.rejects(ask(), isError, name);
      }
    },
  },
  {
    name: 'a storage that is away says so and never "absent", and answers again when it is back',
    test: async (world) => {
      const { storage, subject } = world;
      if (subject.breakDown === undefined || subject.recover === undefined) {
        assert.fail('the harness has no breakDown() and recover(); name this case in `skip`, with the reason');
      }
      const id = randomUUID();
      await storage.create(id, world.text(id), LONG_MS);
      await subject.breakDown();
      const calls = Object.entries(asked(storage, id, world.text(id)));
      const answers = await Promise.allSettled(calls.map(([, ask]) => ask()));
      answers.forEach((answer, i) => {
        assert.equal(answer.status, 'rejected', calls[i]?.[0]);
        assert.ok(isError(answer.reason), calls[i]?.[0]);
      });
      await subject.recover();
      const again = randomUUID();
      assert.equal(await storage.create(again, world.text(again), LONG_MS), true);
      assert.notEqual(await storage.peek(again), undefined);
    },
  },
];
