import fc from 'fast-check';
import { TimingWheel, WheelNode } from '../src/collections/timing-wheel.js';
import { byPosition, type Position } from '../src/registry/cursor.js';
import { ClosedSessions, type Row } from '../src/registry/closed-sessions.js';
import { MultiMap } from '../src/collections/multi-map.js';
import { Queue } from '../src/collections/queue.js';
import { ShardedMap } from '../src/collections/sharded-map.js';
import { SessionIndex } from '../src/registry/session-index.js';
import { SessionList } from '../src/registry/session-list.js';

const visit = (openedAt: number, id: string): Position => ({ openedAt, id });

describe('SessionList', () => {
  const walked = (visits: SessionList<Position>, after?: Position, limit = Infinity): Position[] => {
    const found: Position[] = [];
    if (limit > 0) visits.walk(after, (item) => found.push(item) < limit);
    return found;
  };

  it('agrees with a sorted array under inserts, deletes and walks from anywhere', () => {
    const position = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom('a', 'b', 'c', 'd'));
    const step = fc.record({ insert: fc.boolean(), at: position });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2_500, size: 'max' }), position, (steps, [afterAt, afterId]) => {
        const visits = new SessionList<Position>();
        const model = new Map<string, Position>();
        for (const { insert, at } of steps) {
          const key = at.join();
          const known = model.get(key);
          if (insert && known === undefined) {
            const item = visit(...at);
            model.set(key, item);
            visits.insert(item);
          } else if (!insert && visits.delete(known ?? visit(...at)) !== model.delete(key))
            throw new Error(`delete of ${key}`);
        }
        const sorted = [...model.values()].sort(byPosition);
        expect(walked(visits)).toEqual(sorted);
        expect(visits.size).toBe(sorted.length);
        expect(visits.first()).toBe(sorted[0]);
        const after = visit(afterAt, afterId);
        const behind = sorted.filter((item) => byPosition(item, after) > 0);
        expect(walked(visits, after, 7)).toEqual(behind.slice(0, 7));
      }),
      { numRuns: 15 },
    );
  });

  it('keeps thousands in order when most are removed from the front, the middle and the end', () => {
    const visits = new SessionList<Position>();
    const all = Array.from({ length: 5_000 }, (_, i) => visit(i, `id${i % 7}`));
    for (const item of all) visits.insert(item);
    const kept = all.filter((_, i) => i % 97 === 0);
    for (const item of all) if (!kept.includes(item)) visits.delete(item);
    expect(walked(visits)).toEqual(kept);
    expect(visits.delete(visit(1, 'never there'))).toBe(false);
    for (const item of kept) visits.delete(item);
    expect(visits.size).toBe(0);
    expect(walked(visits)).toEqual([]);
  });
});

describe('SessionIndex', () => {
  it('has the visits of a stream in order, whether it was asked for before they came or after', () => {
    const step = fc.record({
      what: fc.constantFrom('insert', 'delete', 'ask'),
      openedAt: fc.integer({ min: 0, max: 60 }),
      streams: fc.constantFrom(['cam1'], ['cam2'], ['cam1', 'cam2'], ['cam3']),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        type Visit = Position & { readonly streams: readonly string[] };
        const index = new SessionIndex<Visit>();
        const model = new Map<number, Visit>();
        const expectAgreement = (stream: string): void => {
          const found: Visit[] = [];
          index.of(stream).walk(undefined, (item) => void found.push(item));
          expect(found).toEqual([...model.values()].filter(({ streams }) => streams.includes(stream)).sort(byPosition));
        };
        for (const { what, openedAt, streams } of steps) {
          const known = model.get(openedAt);
          if (what === 'ask') expectAgreement(streams[0]);
          else if (what === 'insert' && known === undefined) {
            const item = { ...visit(openedAt, 'a'), streams };
            model.set(openedAt, item);
            index.insert(item);
          } else if (what === 'delete' && known !== undefined) expect(index.delete(known)).toBe(model.delete(openedAt));
        }
        for (const stream of ['cam1', 'cam2', 'cam3', 'cam4']) expectAgreement(stream);
      }),
    );
  });
});

describe('ShardedMap', () => {
  it('agrees with a Map before and after it has split', () => {
    const map = new ShardedMap<number>();
    const model = new Map<string, number>();
    for (let i = 0; i < 40_000; i++) {
      const key = `key ${(i * 7919) % 25_000}`;
      map.set(key, i);
      model.set(key, i);
      if (i % 3 === 0) {
        const gone = `key ${(i * 31) % 25_000}`;
        const known = model.get(gone);
        if (map.deleteOnly(gone, -1) || map.get(gone) !== known) throw new Error(`deleted another than ${gone}`);
        const isGone = i % 2 === 0 || known === undefined ? map.delete(gone) : map.deleteOnly(gone, known);
        if (isGone !== model.delete(gone)) throw new Error(`delete of ${gone}`);
      }
    }
    const keys = Array.from({ length: 25_000 }, (_, i) => `key ${i}`);
    expect(keys.filter((key) => map.get(key) !== model.get(key))).toEqual([]);
    expect([...map.values()].sort()).toEqual([...model.values()].sort());
  });

  it('is not confused by keys that objects have', () => {
    const map = new ShardedMap<number>();
    expect(map.get('__proto__')).toBeUndefined();
    map.set('__proto__', 1);
    map.set('', 2);
    expect([map.get('__proto__'), map.get(''), map.get('constructor')]).toEqual([1, 2, undefined]);
  });
});

describe('ClosedVisits', () => {
  const rowsOf = (visits: SessionList<Row> | undefined): Row[] => {
    const rows: Row[] = [];
    visits?.walk(undefined, (row) => void rows.push(row));
    return rows;
  };

  it('agrees with a naive list while thousands close and are forgotten by number and by age', () => {
    const visits = new ClosedSessions(50, 40);
    let model: Row[] = [];
    for (let now = 0; now < 5_000; now++) {
      const streams = now % 5 ? ['cam1'] : ['cam1', 'cam2'];
      const closed = { id: `id${now % 60}`, openedAt: now, closedAt: now, streams } as unknown as Row;
      visits.add(closed, false);
      model = [...model, closed].slice(-40);
      if (now % 100 > 50) now += 3;
      visits.expire(now);
      model = model.filter(({ closedAt }) => now - (closedAt ?? 0) <= 50);
      const latest = model.filter(({ id }) => id === closed.id).at(-1);
      const oneEach = [...new Map(model.map((visit) => [visit.id, visit])).values()];
      const sizes = [visits.superseded, visits.latest].map((visits) => visits.of(undefined).size);
      if (
        sizes[0] !== model.length - oneEach.length ||
        sizes[1] !== oneEach.length ||
        visits.get(closed.id) !== latest
      ) {
        throw new Error(`differs at ${now}`);
      }
    }
    const lastOf = new Map(model.map((visit) => [visit.id, visit]));
    const here = model.filter(({ streams }) => streams.includes('cam2'));
    expect(rowsOf(visits.superseded.of('cam2'))).toEqual(here.filter((visit) => lastOf.get(visit.id) !== visit));
    expect(rowsOf(visits.latest.of('cam2'))).toEqual(here.filter((visit) => lastOf.get(visit.id) === visit));
    visits.expire(9_999);
    expect([visits.superseded, visits.latest].map((visits) => visits.of(undefined).size)).toEqual([0, 0]);
    expect([visits.superseded, visits.latest].map((visits) => visits.of('cam1').size)).toEqual([0, 0]);
  });
});

describe('MultiMap', () => {
  it('agrees with a map of sets', () => {
    const items = Array.from({ length: 6 }, (_, i) => ({ i }));
    const step = fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 5 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new MultiMap<{ i: number }>();
        const model = new Map<string, Set<object>>([
          ['a', new Set()],
          ['b', new Set()],
        ]);
        for (const [key, i, add] of steps) {
          const item = items[i] as { i: number };
          if (add) {
            index.add(key, item);
            model.get(key)?.add(item);
          } else {
            index.delete(key, item);
            model.get(key)?.delete(item);
          }
          expect(index.size(key)).toBe(model.get(key)?.size);
          expect(new Set(index.members(key))).toEqual(model.get(key));
        }
      }),
    );
  });
});

describe('TimingWheel', () => {
  class Node extends WheelNode {
    constructor(
      readonly name: string,
      public at: number,
    ) {
      super();
    }
  }

  /** One round, in as many slices as it takes; at most so many, for a wheel must come to an end. */
  function round(wheel: TimingWheel<Node>, now: number, max: number, look: (node: Node) => void): number {
    for (let slices = 1; slices < 1_000; slices++) if (!wheel.turn(now, max, look)) return slices;
    throw new Error('the round has no end');
  }

  it('hands over everything that is due, once, and nothing that was removed', () => {
    const time = fc.integer({ min: 0, max: 3_000 });
    const plan = fc.array(fc.record({ at: time, remove: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(
        plan,
        fc.array(time, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        (plans, jumps, max) => {
          const wheel = new TimingWheel<Node>(1_000, 16, 64);
          const nodes = plans.map(({ at }, i) => new Node(`n${i}`, 1_000 + at));
          for (const node of nodes) wheel.place(node, node.at);
          const waiting = new Set(nodes);
          plans.forEach(({ remove }, i) => {
            if (!remove) return;
            wheel.remove(nodes[i] as Node);
            waiting.delete(nodes[i] as Node);
          });
          let now = 1_000;
          for (const jump of [...jumps, 9_000]) {
            now += jump;
            const done = new Set<Node>();
            round(wheel, now, max, (node) => {
              if (node.at > now) return wheel.place(node, node.at);
              expect(waiting.has(node) && !done.has(node)).toBe(true);
              done.add(node);
            });
            expect(done).toEqual(new Set([...waiting].filter((node) => node.at <= now)));
            for (const node of done) waiting.delete(node);
          }
          expect(waiting.size).toBe(0);
        },
      ),
    );
  });

  it('ends a round although everything it hands over is placed again for now', () => {
    const wheel = new TimingWheel<Node>(0, 128, 16);
    for (let i = 0; i < 50; i++) wheel.place(new Node(`n${i}`, 100), 100);
    let looks = 0;
    round(wheel, 110, 10, (node) => {
      looks++;
      wheel.place(node, 110);
    });
    expect(looks).toBe(50);
    round(wheel, 110, 10, () => looks++);
    expect(looks).toBe(100);
  });

  it('hands over everything after the clock was set back, and on time from then on', () => {
    const wheel = new TimingWheel<Node>(1_000_000, 128, 64);
    const node = new Node('n', 1_005_000);
    wheel.place(node, node.at);
    const seen: string[] = [];
    round(wheel, 400_000, 10, (found) => {
      seen.push(found.name);
      wheel.place(found, 403_000);
    });
    round(wheel, 402_000, 10, () => seen.push('too early'));
    round(wheel, 403_200, 10, (found) => seen.push(`${found.name} again`));
    expect(seen).toEqual(['n', 'n again']);
  });

  it('costs nothing for entries that are not due, however many there are', () => {
    const wheel = new TimingWheel<Node>(0);
    for (let i = 0; i < 20_000; i++) wheel.place(new Node('later', 60_000 + i), 60_000 + i);
    let looks = 0;
    for (let now = 0; now < 59_000; now += 1_000) round(wheel, now, 100, () => looks++);
    expect(looks).toBe(0);
  });

  it('finds in one turn what is due now, even after all deadlines have changed', () => {
    const wheel = new TimingWheel<Node>(0);
    wheel.place(new Node('before', 10_000), 10_000);
    wheel.placeAllNow();
    wheel.place(new Node('after', 10_000), 10_000);
    const seen: string[] = [];
    round(wheel, 10_001, 3, (node) => seen.push(node.name));
    expect(seen.sort()).toEqual(['after', 'before']);
  });

  it('forgets all earlier times when all deadlines have changed', () => {
    const wheel = new TimingWheel<Node>(0);
    for (let i = 0; i < 10; i++) wheel.place(new Node(`n${i}`, i * 40_000), i * 40_000);
    wheel.placeAllNow();
    const seen: string[] = [];
    round(wheel, 1, 3, (node) => seen.push(node.name));
    expect(seen.sort()).toEqual(Array.from({ length: 10 }, (_, i) => `n${i}`));
  });
});

describe('a queue', () => {
  it('behaves like a list, whatever is removed from its middle', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('push' as const) },
      { weight: 4, arbitrary: fc.constant('shift' as const) },
      { weight: 2, arbitrary: fc.nat() },
    );
    fc.assert(
      fc.property(fc.array(step, { size: '+2' }), fc.nat({ max: 3_000 }), (steps, before) => {
        const queue = new Queue<number>();
        const model: { item: number; position: number }[] = [];
        let next = 0;
        const push = (): void => {
          const item = next++;
          model.push({ item, position: queue.push(item) });
        };
        for (let i = 0; i < before; i++) push();
        for (let i = 0; i < before - 3; i++) expect(queue.shift()).toBe(model.shift()?.item);
        for (const one of steps) {
          if (one === 'push') push();
          else if (one === 'shift') {
            const first = model.shift();
            expect(queue.shift()).toBe(first?.item);
            if (first !== undefined)
              expect([queue.shifted, queue.at(first.position)]).toEqual([first.position, undefined]);
          } else if (model.length > 0) {
            const [gone] = model.splice(one % model.length, 1);
            expect(queue.at(gone!.position)).toBe(gone!.item);
            expect([queue.remove(gone!.position), queue.remove(gone!.position)]).toEqual([gone!.item, undefined]);
          }
          expect(queue.size).toBe(model.length);
        }
        queue.clear();
        expect([queue.size, queue.shift()]).toEqual([0, undefined]);
        push();
        expect(queue.shift()).toBe(next - 1);
      }),
    );
  });
});
