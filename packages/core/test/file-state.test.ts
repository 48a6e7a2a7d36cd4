import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { createTracker, fileState, type StateChange, type StateStore } from '../src/index.js';
import { until } from '../src/testing/index.js';
import { must, request, settleAll, setup } from './support/make.js';

let folder: string;
let file: string;
const stores: StateStore[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'state-'));
  file = path.join(folder, 'sessions.state');
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close().catch(() => undefined)));
  rmSync(folder, { recursive: true, force: true });
});

function open(): StateStore {
  const store = fileState(file);
  stores.push(store);
  return store;
}

async function kept(store: StateStore): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const changes of store.load()) {
    for (const [key, value] of changes) {
      if (value === undefined) delete found[key];
      else found[key] = value;
    }
  }
  return found;
}

/** A file with these changes, and nobody holding it. */
async function written(...changes: StateChange[]): Promise<void> {
  const store = open();
  await kept(store);
  await store.save(changes);
  await store.close();
}

describe('a state file', () => {
  it('is readable by its owner only', async () => {
    await written(['a', 1]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('belongs to one tracker', async () => {
    open();
    expect(() => fileState(file)).toThrow(expect.objectContaining({ code: 'ERR_STATE_IN_USE' }) as Error);
  });

  it('given to two trackers, belongs to the first', async () => {
    const state = open();
    const first = createTracker({ state });
    expect(() => createTracker({ state })).toThrow(expect.objectContaining({ code: 'ERR_STATE_IN_USE' }) as Error);
    await first.ready;
    first.deny({ ip: '192.0.2.1' });
    await first.stop();
    const second = createTracker({ state: open() });
    await second.ready;
    expect(second.denials()).toHaveLength(1);
    await second.stop();
  });

  it('belongs to one process, and to the next one when that has died', async () => {
    const script = `require('node:fs').writeFileSync(process.argv[1] + '.lock-1', JSON.stringify({ pid: process.pid,
      started: require('node:fs').readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ')[19],
      host: require('node:os').hostname() })); setInterval(() => 0, 1000)`;
    const child = spawn(process.execPath, ['-e', script, file]);
    await until(
      'it holds the file',
      () => existsSync(`${file}.lock-1`) && readFileSync(`${file}.lock-1`, 'utf8').endsWith('}'),
    );
    expect(() => fileState(file)).toThrow(expect.objectContaining({ code: 'ERR_STATE_IN_USE' }) as Error);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await kept(open());
  });

  it.each([
    [
      'another process has its number now',
      { pid: 1, started: '1', host: must(spawnSync('hostname').stdout.toString().trim()) },
    ],
    [
      'it had the number that this one has',
      { pid: process.pid, started: '1', host: must(spawnSync('hostname').stdout.toString().trim()) },
    ],
    ['nobody knows who it was', {}],
  ])('is taken over where %s', async (_, holder) => {
    writeFileSync(`${file}.lock-1`, JSON.stringify(holder));
    expect(await kept(open())).toEqual({});
  });

  it('is left to a process of another host', () => {
    writeFileSync(`${file}.lock-1`, JSON.stringify({ pid: 1, host: 'elsewhere' }));
    expect(() => fileState(file)).toThrow(/elsewhere|another host/);
  });

  it('keeps its whole lines after a crash cut the last one short, and appends after them', async () => {
    await written(['a', 1], ['b', 2]);
    appendFileSync(file, '["c",{"torn":');
    const store = open();
    expect(await kept(store)).toEqual({ a: 1, b: 2 });
    expect(store.warning).toBeUndefined();
    await store.save([['d', 4]]);
    await store.close();
    expect(await kept(open())).toEqual({ a: 1, b: 2, d: 4 });
  });

  it('cut short anywhere still yields every whole record', async () => {
    await written(['a', 1], ['b', 'x'.repeat(100)], ['a', 2]);
    const whole = readFileSync(file);
    const headerEnd = whole.indexOf(10) + 1;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: headerEnd, max: whole.length }), async (end) => {
        writeFileSync(file, whole.subarray(0, end));
        const store = fileState(file);
        const found = await kept(store);
        await store.close();
        const lines = whole.subarray(headerEnd, end).toString().split('\n').length - 1;
        expect(found).toEqual([{}, { a: 1 }, { a: 1, b: 'x'.repeat(100) }, { a: 2, b: 'x'.repeat(100) }][lines]);
      }),
      { numRuns: 60 },
    );
  });

  it('is created again if its creation was cut short', async () => {
    await written();
    const header = readFileSync(file, 'utf8');
    for (const length of [0, 10, header.length - 1]) {
      writeFileSync(file, header.slice(0, length));
      await written(['a', 1]);
      expect(await kept(open())).toEqual({ a: 1 });
      await stores.pop()?.close();
    }
  });

  it('that is damaged yields what can be read; before it is rewritten, a copy keeps the rest', async () => {
    await written(['a', 1], ['b', 2]);
    appendFileSync(file, 'not json\n["c",3]\n{"no":"change"}\n\n["d",4,5]\n');
    const damaged = readFileSync(file);
    const store = open();
    expect(await kept(store)).toEqual({ a: 1, b: 2, c: 3 });
    expect(store.warning).toMatch(/4 lines .* cannot be read/);
    await store.save([['e', 5]]);
    await until('it is written anew', () => readdirSync(folder).some((name) => name.includes('.damaged-')));
    const copy = must(readdirSync(folder).find((name) => name.includes('.damaged-')));
    expect(readFileSync(path.join(folder, copy)).subarray(0, damaged.length)).toEqual(damaged);
    await store.close();
    const next = open();
    expect(await kept(next)).toEqual({ a: 1, b: 2, c: 3, e: 5 });
    expect(next.warning).toBeUndefined();
  });

  it.each([
    ['of a newer version', '{"file":"stream-sessions state","version":2,"key":"k"}\n["a",1]\n'],
    ['of something else', '#!/bin/sh\nrm -rf nothing\n'],
    ['whose first line is damaged', '{"file":"stream-sessions st\0te","version":1,"key":"k"}\n["a",1]\n'],
  ])('%s is left alone; the tracker runs without it, and says so once', async (_, text) => {
    writeFileSync(file, text);
    const { tracker, logged } = setup({ state: open(), fingerprintKey: undefined as never });
    await tracker.ready;
    const { id } = must(request(tracker).session);
    tracker.kick(id);
    await tracker.saved();
    expect(tracker.stats()).toMatchObject({ openedTotal: 1, kickedTotal: 1 });
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1);
    await tracker.stop();
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('that cannot be written does not stop the tracker, which has what it could read, and says so once', async () => {
    // root may write anywhere: a folder in the way of the lock is a folder that cannot be written to
    await written(['denial/x', { no: 'denial' }]);
    mkdirSync(`${file}.lock-1`);
    chmodSync(file, 0o400);
    const { tracker, logged, clock } = setup({ state: open(), fingerprintKey: undefined as never });
    await tracker.ready;
    request(tracker);
    await tracker.saved();
    clock.advance(60_000);
    await settleAll();
    await tracker.saved();
    expect(logged.map(({ message }) => message)).toEqual([
      expect.stringMatching(/records that this tracker cannot read/),
      expect.stringMatching(/the state store failed/),
    ]);
    expect(tracker.count()).toBe(1);
  });

  it('on a full disk catches up when there is room again, and the log has both once', async () => {
    const script = `
      const { createTracker, fileState } = require(process.argv[1]);
      const lines = [];
      const log = (level) => (details, message) => lines.push(level + ': ' + message);
      const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
      (async () => {
        const tracker = createTracker({ state: fileState(process.argv[2]), logger });
        await tracker.ready;
        for (let i = 0; i < 200; i++) tracker.deny({ token: 'long ' + i }, { reason: 'x'.repeat(200) });
        await tracker.saved();
        await tracker.saved();
        require('node:child_process').execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
        await tracker.saved();
        tracker.deny({ token: 'last' });
        await tracker.saved();
        console.log(JSON.stringify({ lines, denials: tracker.denials().length }));
        process.kill(process.pid, 'SIGKILL');
      })();`;
    const core = path.join(__dirname, '../dist/index.js');
    const child = spawnSync('prlimit', ['--fsize=4096:unlimited', process.execPath, '-e', script, core, file], {
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    const { lines, denials } = JSON.parse(child.stdout) as { lines: string[]; denials: number };
    expect([denials, lines]).toEqual([
      201,
      [
        expect.stringMatching(/^error: the state store failed/),
        expect.stringMatching(/^info: the state store takes changes again/),
      ],
    ]);
    const tracker = createTracker({ state: open() });
    await tracker.ready;
    expect(tracker.denials()).toHaveLength(201);
    await tracker.stop();
  });

  it('is rewritten when it has grown, while changes go on', async () => {
    const store = open();
    await kept(store);
    const text = 'x'.repeat(1_000);
    for (let round = 0; round < 40; round++) {
      await store.save(Array.from({ length: 100 }, (_, n): StateChange => [`k${n}`, { round, text }]));
    }
    await store.save([['k0', undefined]]);
    await until('it is small', () => statSync(file).size < 2_000_000);
    await store.close();
    const found = await kept(open());
    expect(Object.keys(found)).toHaveLength(99);
    expect(Object.values(found)).toEqual(Array.from({ length: 99 }, () => ({ round: 39, text })));
    expect(readdirSync(folder).sort()).toEqual(['sessions.state', 'sessions.state.lock-1']);
  });

  it('that cannot be rewritten goes on as it is, and leaves no other file behind', async () => {
    const store = open();
    await kept(store);
    const openFiles = (): number => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    symlinkSync('/dev/full', `${file}.new`);
    const text = 'x'.repeat(1_000);
    for (let round = 0; round < 12; round++) {
      await store.save(Array.from({ length: 100 }, (_, n): StateChange => [`k${n}`, { round, text }]));
    }
    await until('rewriting has failed', () => store.warning?.includes('could not be made smaller') === true);
    expect(openFiles()).toBe(before);
    await store.save([['k0', undefined]]);
    await store.close();
    expect(Object.keys(await kept(open()))).toHaveLength(99);
    expect(readdirSync(folder).sort()).toEqual(['sessions.state', 'sessions.state.lock-1']);
  });
});
