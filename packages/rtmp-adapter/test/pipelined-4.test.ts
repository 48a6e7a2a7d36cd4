import type { TrackerOptions } from '@stream-sessions/core';
import { RtmpClient, command, message, onStream } from './support/rtmp-client.js';
import { Stage4 } from './support/stage-4.js';
import { stays, until } from '../../../test/support/until.js';

const stage = new Stage4();

const VIDEO = message(9, Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), Buffer.alloc(3000)]), 1, 6);

const publish = (name: string): Buffer => onStream('publish', 3, null, name, 'live');
const play = (name: string): Buffer => onStream('play', 3, null, name);

/** A client that sends all of this at once, so that the server reads it in one go. */
async function inOneGo(...commands: Buffer[]): Promise<RtmpClient> {
  const client = await stage.noted(new RtmpClient(stage.server.rtmp)).shaken();
  const greeting = command('connect', 1, { app: 'live', flashVer: 'TEST/1.0', tcUrl: 'rtmp://127.0.0.1/live' });
  client.say(Buffer.concat([greeting, command('createStream', 2, null), ...commands]));
  return client;
}

/** Refuses whoever does not say who it is, at once or a moment later. */
const strangers = (isAsync: boolean): TrackerOptions => ({
  policies: [
    {
      name: 'strangers',
      admit: ({ token }) => {
        const verdict = token ? { allow: true as const } : { allow: false as const, reason: 'stranger' };
        return isAsync ? Promise.resolve(verdict) : verdict;
      },
    },
  ],
});

describe.each([false, true])(
  'a client that sends more along with what it is refused for (policies wait: %p)',
  (isAsync) => {
    it.each([
      ['play', () => play('elsewhere')],
      ['publish', () => publish('elsewhere')],
      ['publish under a name that the server refuses', () => publish('a b')],
    ])('%s: publishes nothing to another stream', async (_what, first) => {
      stage.attach(strangers(isAsync));
      const stream = stage.newStream();
      const player = await stage.noted(new RtmpClient(stage.server.rtmp)).play(`${stream}?token=a`);
      await until('it waits', () => stage.broadcast(stream)?.subscribers.size === 1);
      const stranger = await inOneGo(first(), publish(stream), VIDEO, VIDEO, VIDEO);
      await until('it is hung up on', () => stranger.ended);
      await stays('the player gets nothing', () => player.mediaBytes === 0);
      expect(stage.broadcast(stream)?.publisher ?? null).toBeNull();
    });

    it('leaves the streams that it named to others', async () => {
      const tracker = stage.attach(strangers(isAsync));
      const names = Array.from({ length: 10 }, () => stage.newStream());
      const stranger = await inOneGo(...names.map(publish), ...names.map(play), publish(names[0]!));
      await until('it is hung up on', () => stranger.ended);
      await until('none is left', () => names.every((name) => !stage.broadcast(name)?.subscribers.size));
      await stage.noted(new RtmpClient(stage.server.rtmp)).publish(`${names[0]}?token=a`);
      await until('the encoder is on air', () => tracker.count({ kind: 'input', status: 'active' }) === 1);
      const player = await stage.noted(new RtmpClient(stage.server.rtmp)).play(`${names[0]}?token=b`);
      await until('it plays', () => player.mediaBytes > 0);
    });
  },
);
