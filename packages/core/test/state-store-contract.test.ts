import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileState, type StateChange, type StateStore } from '../src/index.js';
import { stateStoreContract, type RunningStateStore } from '../src/testing/index.js';
import { runStateStoreCase, stateStoreCases } from '../src/testing/state/cases.js';

stateStoreContract({
  name: 'fileState',
  start: () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'state-'));
    let file = path.join(folder, '0');
    const opened: StateStore[] = [];
    return {
      open: () => {
        const store = fileState(file);
        opened.push(store);
        return store;
      },
      crash: () => {
        copyFileSync(file, `${file}0`);
        file = `${file}0`;
      },
      stop: async () => {
        // also of the process that crashed, which is this one
        await Promise.all(opened.map((store) => store.close()));
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});

type Flaw =
  | 'none'
  | 'forgets deletions'
  | 'keeps the first value'
  | 'writes when it is closed'
  | 'changes its key'
  | 'trims keys';

/** A store in memory; with a flaw, as a bad one would have. */
function place(flaw: Flaw): RunningStateStore {
  let kept = new Map<string, string>();
  let key = 'k'.repeat(32);
  const open = (): StateStore => {
    const waiting: StateChange[] = [];
    const write = (changes: readonly StateChange[]): void => {
      for (const [name, value] of changes) {
        const known = flaw === 'trims keys' ? name.trim() : name;
        if (value === undefined && flaw !== 'forgets deletions') kept.delete(known);
        else if (value !== undefined && !(flaw === 'keeps the first value' && kept.has(known)))
          kept.set(known, JSON.stringify(value));
      }
    };
    if (flaw === 'changes its key') key = String(Math.random()).repeat(3);
    return {
      fingerprintKey: key,
      async *load() {
        yield [...kept].map(([name, value]): StateChange => [name, JSON.parse(value)]);
      },
      save: async (changes) => {
        if (flaw === 'writes when it is closed') waiting.push(...changes);
        else write(changes);
      },
      close: async () => write(waiting),
    };
  };
  return { open, stop: () => (kept = new Map()) };
}

stateStoreContract({ name: 'a store in memory', start: () => place('none') });

describe('the state store contract notices a store that', () => {
  it.each<[Flaw, RegExp]>([
    ['forgets deletions', /deleted/],
    ['keeps the first value', /the last value/],
    ['writes when it is closed', /dies/],
    ['changes its key', /its key/],
    ['trims keys', /letters/],
  ])('%s', async (flaw, about) => {
    const cases = stateStoreCases.filter(({ name }) => about.test(name));
    expect(cases.length).toBeGreaterThan(0);
    const results = await Promise.allSettled(cases.map((one) => runStateStoreCase(() => place(flaw), one)));
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
  });
});
