import { readFileSync } from 'node:fs';
import { createServer, get, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { startNginx, type Nginx } from '../../../test/support/nginx.js';

const PAGE = path.join(__dirname, '../../../docs/cluster.md');
const PLAYERS = 60;

let nginx: Nginx;
const origins: Server[] = [];
beforeAll(async () => {
  for (const name of ['a', 'b', 'c']) {
    const origin = createServer((_, res) => res.end(name)).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    origins.push(origin);
  }
  const [, documented = ''] = /```nginx\nupstream origins \{\n([^}]*)\}/.exec(readFileSync(PAGE, 'utf8')) ?? [];
  let n = 0;
  const upstream = documented.replace(
    /10\.0\.0\.\d:3000/g,
    () => `127.0.0.1:${(origins[n++]?.address() as AddressInfo).port}`,
  );
  expect(n).toBe(3);
  nginx = await startNginx(upstream, '');
});
afterAll(async () => {
  await nginx.stop();
  for (const origin of origins) origin.close();
});

/** The origin that answers. */
function ask(player: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`${nginx.url}/live/cam1/seg0.ts`, { headers: { 'User-Agent': player } }, (res) => {
      res.on('data', (data: Buffer) => resolve(data.toString()));
    }).on('error', reject);
  });
}

it('nginx keeps a player on its node, and spreads players, as the documentation says', async () => {
  const nodes = new Set<string>();
  for (let n = 0; n < PLAYERS; n++) {
    const player = `player ${n}`;
    const node = await ask(player);
    nodes.add(node);
    expect([await ask(player), await ask(player)]).toEqual([node, node]);
  }
  expect([...nodes].sort()).toEqual(['a', 'b', 'c']);
});
