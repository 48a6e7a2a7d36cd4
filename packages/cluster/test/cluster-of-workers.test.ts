import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../../test/support/until.js';
import { ask, Nodes, play, type Node } from './support/nodes.js';

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

it('sees a viewer of three workers as one, without any server, and kicks it as one', async () => {
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
  await until('its end is told', () => nodes.closed.length === 1);
  expect(nodes.closed).toMatchObject([{ id: row?.id, bytes: 900, closeReason: 'kicked' }]);
});

it('lists who watches when the worker with the hub has ended, under the same id', async () => {
  const [a, b, c] = [await nodes.add(), await nodes.add(), await nodes.add()];
  await nodes.allSeen();
  const { id, openedAt } = await play(b, { sid: 's' }, 10);
  await play(c, { sid: 's' }, 20);
  await until('both are there', async () => (await rows(b))[0]?.nodes.length === 2);
  await a.crash();
  await until(
    'it is listed again',
    async () => {
      const found = await rows(c).catch(() => []);
      return found[0]?.nodes.length === 2 && (await c.directory.count({ status: 'active' })) === 1;
    },
    20_000,
  );
  // each node joins anew for itself
  for (const node of [b, c]) {
    await until('it sees all of it', async () => (await rows(node).catch(() => []))[0]?.bytes === 30);
    expect(await rows(node)).toMatchObject([{ id, openedAt, bytes: 30 }]);
  }
});
