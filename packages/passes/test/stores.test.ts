import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyChange, memoryPassStore, openPassFile, passBook, PASS_TYPES } from '../src/index.js';
import { passStoreContract } from '../src/testing/index.js';

let folder: string;
const file = (): string => join(folder, 'passes.jsonl');
const newFolder = (): string => (folder = mkdtempSync(join(tmpdir(), 'passes-')));
const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });

passStoreContract({ name: 'the memory', start: memoryPassStore });

passStoreContract({
  name: 'a file',
  start: () => (newFolder(), openPassFile(file())),
  reopen: () => openPassFile(file()),
  stop: removeFolder,
});

it('a pass knows the keys of its last 64 top-ups', async () => {
  const book = passBook();
  let pass = await book.create('ann', { type: PASS_TYPES.time, timeSecs: 0 });
  const topUp = (key: number) => applyChange(pass, { addSecs: 1, once: { key: `k${key}`, terms: 't' } });
  for (let key = 1; key <= 100; key++) pass = topUp(key);
  expect(Object.keys(pass.topUps ?? {})).toHaveLength(64);
  expect([topUp(100).timeSecs, topUp(37).timeSecs, topUp(36).timeSecs]).toEqual([100, 100, 101]);
});

describe('a file of passes', () => {
  beforeEach(newFolder);
  afterEach(removeFolder);

  const withOnePass = async (): Promise<string> => {
    const store = await openPassFile(file());
    const { id } = await passBook({ store }).create('ann', { type: PASS_TYPES.time, timeSecs: 60 });
    await store.close?.();
    return id;
  };

  it('is written at once, and readable by nobody else', async () => {
    await withOnePass();
    expect(readFileSync(file(), 'utf8').split('\n')).toHaveLength(2);
    expect(statSync(file()).mode & 0o077).toBe(0);
  });

  it('ignores what a crash cut off, and appends after a whole line', async () => {
    const id = await withOnePass();
    appendFileSync(file(), '{"id":"b","owner":"bo');
    const store = await openPassFile(file());
    await store.change(id, { addSecs: 1 });
    await store.close?.();
    const again = await openPassFile(file());
    expect(await again.get(id)).toMatchObject({ timeSecs: 61 });
    expect(await again.get('b')).toBeUndefined();
    await again.close?.();
  });

  it('is left alone if it is not a file of passes', async () => {
    writeFileSync(file(), 'Dear diary,\ntoday\n');
    await expect(openPassFile(file())).rejects.toMatchObject({ code: 'ERR_PASS_FILE' });
    expect(readFileSync(file(), 'utf8')).toBe('Dear diary,\ntoday\n');
    await expect(openPassFile(join(folder, 'missing', 'passes'))).rejects.toMatchObject({ code: 'ERR_PASS_FILE' });
    await expect(openPassFile(folder)).rejects.toMatchObject({ code: 'ERR_PASS_FILE' });
  });

  it('belongs to one book: opening it again fails until it is closed', async () => {
    const id = await withOnePass();
    const store = await openPassFile(file());
    await expect(openPassFile(file())).rejects.toMatchObject({
      code: 'ERR_PASS_FILE',
      message: expect.stringContaining(`in use by process ${process.pid}`) as string,
    });
    await store.close?.();
    const again = await openPassFile(file());
    // Closing it twice takes nothing from who has it by then.
    await store.close?.();
    await expect(openPassFile(file())).rejects.toMatchObject({ code: 'ERR_PASS_FILE' });
    expect(await again.get(id)).toBeDefined();
    await again.close?.();
    expect(readdirSync(folder)).toEqual(['passes.jsonl']);
  });

  it('forgets the processes that wrote to it, except for the last one', async () => {
    const id = await withOnePass();
    for (let n = 1; n <= 5; n++) {
      const store = await openPassFile(file());
      await store.spend(id, { writer: `w${n}`, op: 1, from: 0, to: n, bytes: 0, startedAt: 0, now: n });
      await store.close?.();
    }
    const store = await openPassFile(file());
    expect(await store.get(id)).toMatchObject({ ops: { w5: 1 }, timeCons: 0.005 });
    expect(Object.keys((await store.get(id))?.ops ?? {})).toHaveLength(1);
    await store.close?.();
  });

  it('does not grow without bound', async () => {
    const id = await withOnePass();
    const store = await openPassFile(file());
    await Promise.all(Array.from({ length: 25_000 }, async () => store.change(id, { addSecs: 1 })));
    expect(readFileSync(file(), 'utf8').split('\n').length).toBeLessThan(11_000);
    await store.close?.();
    const again = await openPassFile(file());
    expect(readFileSync(file(), 'utf8').split('\n')).toHaveLength(2);
    expect(await again.get(id)).toMatchObject({ timeSecs: 25_060 });
    await again.close?.();
  });
});
