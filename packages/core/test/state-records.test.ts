import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker, fileState, type SessionTracker, type StateStore } from '../src/index.js';
import { fakeClock, type FakeClock } from '../src/testing/index.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let folder: string;
let clock: FakeClock;
let files = 0;
const trackers: SessionTracker[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'records-'));
  clock = fakeClock();
});
afterEach(async () => {
  await Promise.all(trackers.splice(0).map((tracker) => tracker.stop()));
  rmSync(folder, { recursive: true, force: true });
});

function begin(state: StateStore | undefined): SessionTracker {
  const tracker = createTracker({ clock, logger: silent, ...(state && { state }) });
  trackers.push(tracker);
  return tracker;
}

/** The next process after one that is killed now. */
async function afterKill(tracker: SessionTracker, file: string): Promise<[SessionTracker, string]> {
  await tracker.saved();
  const next = path.join(folder, String(files++));
  copyFileSync(file, next);
  return [begin(fileState(next)), next];
}

const taken = async (tracker: SessionTracker, owner: string) =>
  Object.fromEntries((await tracker.records(owner)?.take()) ?? []);

describe('records of packages in the state store', () => {
  it('are in the next process, for their owner, who takes them once', async () => {
    const file = path.join(folder, 'first');
    const first = begin(fileState(file));
    const [pets, plants] = [first.records('pets'), first.records('plants')];
    pets?.set('a', { legs: 4 });
    pets?.set('b/c', [1, 2]);
    pets?.set('gone', 1);
    pets?.set('gone', undefined);
    plants?.set('a', 'fern');
    const [next] = await afterKill(first, file);
    expect(await taken(next, 'pets')).toEqual({ a: { legs: 4 }, 'b/c': [1, 2] });
    expect(await taken(next, 'pets')).toEqual({});
    expect(await taken(next, 'plants')).toEqual({ a: 'fern' });
  });

  it('stay for the process after the next, and are deleted if nobody takes them in time', async () => {
    const file = path.join(folder, 'first');
    const first = begin(fileState(file));
    first.records('pets')?.set('a', 1);
    first.records('plants')?.set('a', 1);
    const [second, itsFile] = await afterKill(first, file);
    await taken(second, 'pets');
    clock.advance(299_000);
    const [early] = await afterKill(second, itsFile);
    expect([await taken(early, 'pets'), await taken(early, 'plants')]).toEqual([{ a: 1 }, { a: 1 }]);
    clock.advance(2_000);
    await second.saved();
    const [late] = await afterKill(second, itsFile);
    expect([await taken(late, 'pets'), await taken(late, 'plants')]).toEqual([{ a: 1 }, {}]);
  });

  it('have the same hash of a secret in the next process', async () => {
    const file = path.join(folder, 'first');
    const first = begin(fileState(file));
    const hash = first.records('pets')?.hash('secret');
    expect(hash).toMatch(/^[\w-]{16}$/);
    const [next] = await afterKill(first, file);
    expect([next.records('pets')?.hash('secret'), next.records('pets')?.hash('other') === hash]).toEqual([hash, false]);
  });

  it('do not exist without a store, and are lost with one that fails', async () => {
    expect(begin(undefined).records('pets')).toBeUndefined();
    const broken: StateStore = {
      fingerprintKey: 'k'.repeat(32),
      // eslint-disable-next-line require-yield -- it fails before
      async *load() {
        throw new Error('no disk');
      },
      save: () => Promise.reject(new Error('it must not be written to')),
      close: async () => undefined,
    };
    const tracker = begin(broken);
    await tracker.ready;
    tracker.records('pets')?.set('a', 1);
    await tracker.saved();
    expect(await taken(tracker, 'pets')).toEqual({});
  });

  it('need an owner with a plain name', () => {
    expect(() => begin(undefined).records('a/b')).toThrow('records: the owner');
  });
});
