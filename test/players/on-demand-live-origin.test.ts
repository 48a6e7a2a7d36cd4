import { endPlayers, playWithFfmpeg } from './support/ffmpeg-player.js';
import { dispose, startLiveOrigin, type LiveOrigin } from './support/live-origin.js';
import { commandOf, descendants, isAlive } from './support/processes.js';
import { until } from './support/until.js';

let origin: LiveOrigin | undefined;
afterAll(async () => {
  endPlayers();
  await dispose(origin);
});

it('the live origin encodes its channel while somebody watches, and leaves nothing when it is killed', async () => {
  origin = await startLiveOrigin({ ON_DEMAND: '1', SLEEP_AFTER: '1' });
  const encoders = (): number[] => descendants(origin!.process.pid!).filter((pid) => commandOf(pid).includes('lavfi'));
  expect(encoders()).toEqual([]);
  const rtsp = /rtsp:\S+/.exec(origin.output())![0];
  const player = playWithFfmpeg(rtsp, { live: true, seconds: 1 });
  await until('it is started', () => encoders().length === 1);
  expect(await player.ended).toMatchObject({ code: 0 });
  await until('it sleeps', () => origin!.output().includes('demo: hibernated'));
  expect(encoders()).toEqual([]);

  expect((await fetch(new URL('live/demo/ts/master.m3u8', origin.url))).status).toBe(200);
  expect(origin.output().split('demo: running')).toHaveLength(3);
  const left = encoders();
  expect(left).toHaveLength(1);
  origin.process.kill('SIGKILL');
  await until('its ffmpeg has gone', () => !left.some(isAlive));
}, 60_000);
