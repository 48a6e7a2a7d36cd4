import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../../test/support/until.js';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { joinCluster, workerLink } from '../src/index.js';
import { ask, hit, Nodes, play, SILENT, type Node } from './support/nodes.js';

let folder: string;
let nodes: Nodes;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-hub-'));
  nodes = new Nodes(folder);
});
afterEach(async () => {
  await nodes.end();
  rmSync(folder, { recursive: true, force: true });
});

const rows = async ({ directory }: Node) => [...(await directory.list({ status: 'active' }))];

it('a cluster of workers sees a viewer of three workers as one, without any server, and kicks it as one', async () => {
  const all = [await nodes.add(), await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  const [a, b, c] = all as [Node, Node, Node];
  for (let i = 0; i < 9; i++) await play(all[i % 3] as Node, i % 2 === 0 ? { token: 't' } : {});
  await until('all bytes are there', async () => (await rows(a))[0]?.bytes === 900);
  const [row] = await rows(c);
  expect(row?.nodes).toHaveLength(3);
  await nodes.tellsOpened(1);
  await until('it is counted', async () => (await b.directory.count({ status: 'active' })) === 1);
  const names = ['node-1', 'node-2', 'node-3'];
  expect(await c.directory.kick(row?.id ?? '')).toEqual({ nodes: names, pending: [] });
  for (const node of all) expect((await ask(node, { token: 't' })).admitted).toBe(false);
  await until('its end is reported', () => nodes.closed.length === 1);
  expect(nodes.closed).toMatchObject([{ id: row?.id, bytes: 900, closeReason: 'kicked' }]);
});

describe('a file of denials', () => {
  const start = async (file: string) => {
    const link = workerLink({ path: folder, denialsFile: file });
    const tracker = createTracker({ fingerprintKey: 'of the test', logger: SILENT });
    const directory = await joinCluster(tracker, { via: link, logger: SILENT });
    const end = async () => {
      await link.close();
      await directory.leave();
      await tracker.stop({ timeoutMs: 10 });
    };
    return { tracker, directory, end };
  };
  const admits = async ({ tracker }: { tracker: SessionTracker }, token: string) =>
    (await tracker.admit(hit({ token }))).admitted;

  it('keeps out viewers kicked by the last process, and admits those whose denial it lifted', async () => {
    const file = join(folder, 'denials');
    const first = await start(file);
    const [kept, lifted, short] = [
      await first.directory.deny({ token: 'kept' }),
      await first.directory.deny({ token: 'lifted' }),
      await first.directory.deny({ token: 'short' }),
    ];
    await first.directory.liftDenial(lifted.id);
    await first.directory.deny({ token: 'soon over' }, { forMs: 1 });
    await first.end();
    expect(readFileSync(file, 'utf8')).not.toMatch(/"(kept|lifted|short)"/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // a crash in the middle of a line
    appendFileSync(file, '["{0}:log-tab');
    const second = await start(file);
    expect(await admits(second, 'kept')).toBe(false);
    expect(await admits(second, 'lifted')).toBe(true);
    expect(await admits(second, 'soon over')).toBe(true);
    expect((await second.directory.denials()).map(({ id }) => id).sort()).toEqual([kept.id, short.id].sort());
    await second.directory.liftDenial(kept.id);
    await second.end();
    const third = await start(file);
    expect(await admits(third, 'kept')).toBe(true);
    expect(await admits(third, 'short')).toBe(false);
    await third.end();
  });

  it('with damaged lines keeps out those of all others, and a copy is kept', async () => {
    const file = join(folder, 'denials');
    const first = await start(file);
    for (const token of ['one', 'two', 'three']) await first.directory.deny({ token });
    await first.end();
    const lines = readFileSync(file, 'utf8').split('\n');
    const damaged = ['\0'.repeat(40), '[]', 'null', '["k","hash",1e99,"f","v"]', lines[0]?.slice(0, 40), ''];
    const text = [...damaged, ...lines].join('\n');
    writeFileSync(file, text);
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation();
    try {
      const second = await start(file);
      for (const token of ['one', 'two', 'three']) expect(await admits(second, token)).toBe(false);
      expect(await admits(second, 'four')).toBe(true);
      await second.end();
      const [copy] = readdirSync(folder).filter((name) => name.startsWith('denials.damaged-'));
      expect(readFileSync(join(folder, copy ?? ''), 'utf8')).toBe(text);
      const said = `${damaged.length} of ${damaged.length + lines.length - 1} lines of ${file} cannot be read`;
      expect(warned.mock.calls).toEqual([
        [expect.stringContaining(said), expect.objectContaining({ code: 'STREAM_SESSIONS_CLUSTER_FILE' })],
      ]);
      await (await start(file)).end();
      expect(warned).toHaveBeenCalledTimes(1);
    } finally {
      warned.mockRestore();
    }
  });

  it('is rewritten when it has grown, with all denials in force', async () => {
    const file = join(folder, 'denials');
    const first = await start(file);
    for (let n = 0; n < 300; n++) {
      const { id } = await first.directory.deny({ token: `t${n}` });
      if (n % 50 !== 0) await first.directory.liftDenial(id);
    }
    await first.end();
    const second = await start(file);
    expect(await second.directory.denials()).toHaveLength(6);
    await second.end();
    // of each lift a word is kept until its denial would have ended
    expect(statSync(file).size).toBeLessThan(300 * 400);
  });

  it('must be writable', () => {
    expect(() => workerLink({ path: folder, denialsFile: join(folder, 'nowhere', 'denials') })).toThrow(/denialsFile/);
  });

  it('stays where it is if it is reached by a link', async () => {
    const [file, link] = [join(folder, 'shared'), join(folder, 'release')];
    symlinkSync('shared', link);
    const first = await start(link);
    await first.directory.deny({ token: 'kept' });
    await first.end();
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    const second = await start(file);
    expect(await admits(second, 'kept')).toBe(false);
    await second.end();
  });

  it('is a regular file', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() => workerLink({ path: folder, denialsFile: pipe })).toThrow(/denialsFile .* not a regular file/);
  });
});

it('a cluster of workers never takes a viewer of another worker for gone while the hub changes', async () => {
  const over = { leaseMs: 60_000 };
  const [a, b, c] = [await nodes.add({}, over), await nodes.add({}, over), await nodes.add({}, over)];
  await nodes.allSeen();
  const { id } = await play(c, { token: 't' });
  await nodes.tellsOpened(1);
  await a.crash();
  const seen: string[] = [];
  const look = async (): Promise<boolean> => {
    const found = await b.directory.list({ status: 'active' }).catch(() => undefined);
    const get = await b.directory.get(id).catch(() => 'unknown');
    seen.push(found === undefined ? 'alone' : `${found.length} of ${found.partial ? 'some' : 'all'}`);
    if (get === undefined) seen.push('no such session');
    return found?.length === 1;
  };
  await until('it is listed', look, 5_000);
  expect(seen).not.toContain('0 of all');
  expect(seen).not.toContain('no such session');
  expect(await b.directory.kick(id)).toMatchObject({ nodes: ['node-3'] });
});

it('a cluster of workers lists viewers under the same id after the worker with the hub has ended', async () => {
  const [a, b, c] = [await nodes.add(), await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  const { id, openedAt } = await play(b, { sid: 's' }, 10);
  await play(c, { sid: 's' }, 20);
  await until('both are there', async () => (await rows(b))[0]?.nodes.length === 2);
  await a.crash();
  await until('it is listed again', async () => {
    const found = await rows(c).catch(() => []);
    return found[0]?.nodes.length === 2 && (await c.directory.count({ status: 'active' })) === 1;
  });
  // each node joins anew for itself
  for (const node of [b, c]) {
    await until('it sees all of it', async () => (await rows(node).catch(() => []))[0]?.bytes === 30);
    expect(await rows(node)).toMatchObject([{ id, openedAt, bytes: 30 }]);
  }
});
