import assert from 'node:assert/strict';
import { until } from '../until.js';
import { LONG_FILE, SIZES } from './media-folder.js';
import type { HttpCase } from './world.js';

const SHORT_IDLE_MS = 1_500;
/** Running responses are credited every second; the client in this case receives at most this much in that time. */
const LAG_BYTES = 4_000_000;

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** Who counts as one viewer, and how many bytes it received. */
export const countingCases: HttpCase[] = [
  {
    name: 'makes one viewer of all requests of a player, and counts every body byte',
    test: async (world) => {
      const player = world.player({ token: 'a' });
      for (const [file, size] of Object.entries(SIZES)) {
        assert.deepEqual(await player.get(`cam1/${file}`), { status: 200, bodyLength: size });
      }
      await until('all of it is counted', () => world.viewer().bytes === sum(Object.values(SIZES)));
      const { stream, kind, ip, userAgent } = world.viewer();
      assert.deepEqual([stream, kind, ip, userAgent], ['cam1', 'viewer', '127.0.0.1', 'player/1.0']);
    },
  },
  {
    name: 'makes two viewers of two tokens, and of two streams',
    test: async (world) => {
      await world.player({ token: 'a' }).get('cam1/seg0.ts');
      await world.player({ token: 'b' }).get('cam1/seg0.ts');
      await world.player({ token: 'b' }).get('cam2/seg0.ts');
      const viewers = world.viewers().map(({ stream, tokenFingerprint }) => `${stream} ${tokenFingerprint}`);
      assert.equal(new Set(viewers).size, 3);
    },
  },
  {
    name: 'counts the bytes of a range, and no more',
    test: async (world) => {
      const player = world.player();
      const part = await player.get('cam1/seg0.ts', { headers: { Range: 'bytes=10-1009' } });
      assert.deepEqual(part, { status: 206, bodyLength: 1_000 });
      await until('the part is counted', () => world.viewer().bytes === 1_000);
    },
  },
  {
    name: 'counts no bytes of a response that is not media',
    test: async (world) => {
      const player = world.player();
      await player.get('cam1/seg1.ts');
      await player.get('cam1/seg1.ts', { method: 'HEAD' });
      assert.equal((await player.get('cam1/missing.ts')).status, 404);
      await until('the segment is counted', () => world.viewer().bytes === SIZES['seg1.ts']);
    },
  },
  {
    name: 'counts, of a response that its client dropped, no less than the client has received',
    test: async (world) => {
      const download = await world.player().download(`cam1/${LONG_FILE.name}`);
      await until('media flows', () => download.received() > 1_000_000);
      download.drop();
      const received = download.received();
      await until('it is counted', () => world.viewer().bytes >= received);
      assert.ok(world.viewer().bytes < LONG_FILE.size, 'what was never sent is not counted');
    },
  },
  {
    name: 'keeps a viewer on the list while a response is under way, and counts as it goes',
    options: { idleTimeoutMs: SHORT_IDLE_MS },
    test: async (world) => {
      const download = await world.player().download(`cam1/${LONG_FILE.name}`, { pauseMs: 50 });
      const { id, openedAt } = world.viewer();
      await until('it has stayed for two idle timeouts', () => Date.now() - openedAt > 2 * SHORT_IDLE_MS);
      const { bytes } = world.viewer();
      assert.ok(bytes >= download.received() - LAG_BYTES, `${bytes} bytes counted, ${download.received()} received`);
      download.drop();
      await until('it is gone when it has been idle', () => world.viewers().length === 0);
      const last = world.tracker.get(id);
      assert.deepEqual([last?.openedAt, last?.closeReason], [openedAt, 'idle']);
    },
  },
  {
    name: 'ignores forwarding headers that a client sends',
    test: async (world) => {
      await world.player().get('cam1/seg1.ts', { headers: { 'X-Forwarded-For': '203.0.113.9' } });
      assert.equal(world.viewer().ip, '127.0.0.1');
    },
  },
  {
    name: 'shows no token',
    test: async (world) => {
      await world.player({ token: 'open-sesame' }).get('cam1/seg1.ts');
      assert.equal(JSON.stringify(world.viewer()).includes('open-sesame'), false);
    },
  },
];
