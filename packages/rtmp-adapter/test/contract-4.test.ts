import type { SessionTracker } from '@stream-sessions/core';
import { transportContract } from '@stream-sessions/core/testing';
import { attachRtmp } from '../src/index.js';
import { HttpFlvClient, WsFlvClient } from './support/flv-clients.js';
import { RtmpClient } from './support/rtmp-client.js';
import { startServer4 } from './support/server-4.js';

interface Asked {
  stream: string;
  token?: string;
  userAgent?: string;
}

const nameOf = ({ stream, token }: Asked) => (token ? `${stream}?token=${token}` : stream);
const headersOf = ({ userAgent }: Asked): Record<string, string> => (userAgent ? { 'user-agent': userAgent } : {});

async function start(tracker: SessionTracker) {
  let attachment: ReturnType<typeof attachRtmp> | undefined;
  const server = await startServer4((nms) => (attachment = attachRtmp(nms, tracker)));
  const clients: { drop(): void }[] = [];
  const noted = <T extends { drop(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  for (const stream of ['cam1', 'cam2']) await noted(new RtmpClient(server.rtmp)).publish(stream);
  return {
    server,
    noted,
    detach: () => attachment?.detach(),
    stop: async () => {
      clients.forEach((client) => client.drop());
      await attachment?.detach();
      await server.stop();
    },
  };
}

const played = (client: RtmpClient) => ({
  received: () => client.mediaBytes,
  get ended() {
    return client.ended;
  },
  drop: () => client.drop(),
  refusal: () => client.statuses.at(-1)?.description,
});

for (const [name, secure] of [
  ['RTMP', false],
  ['RTMPS', true],
] as const) {
  transportContract({
    name: `${name} of node-media-server 4`,
    protocol: 'rtmp',
    start: async (tracker) => {
      const running = await start(tracker);
      const client = () => running.noted(new RtmpClient(secure ? running.server.rtmps : running.server.rtmp, secure));
      return {
        ...running,
        play: async (asked) => played(await client().play(nameOf(asked), asked.userAgent)),
        publish: async (asked) => played(await client().publish(nameOf(asked), asked.userAgent)),
      };
    },
  });
}

transportContract({
  name: 'HTTP-FLV of node-media-server 4',
  protocol: 'http-flv',
  skip: [
    {
      case: 'lists a publisher as an input, and counts what it sends',
      reason: 'flv-publishers-4.test.ts has clients that publish',
    },
  ],
  start: async (tracker) => {
    const running = await start(tracker);
    const url = (asked: Asked) => `/live/${asked.stream}.flv${asked.token ? `?token=${asked.token}` : ''}`;
    return {
      ...running,
      play: (asked) => running.noted(new HttpFlvClient(running.server.http, url(asked), headersOf(asked))),
    };
  },
});

transportContract({
  name: 'WS-FLV of node-media-server 4',
  protocol: 'ws-flv',
  skip: [
    {
      case: 'lists a publisher as an input, and counts what it sends',
      reason: 'flv-publishers-4.test.ts has clients that publish',
    },
  ],
  start: async (tracker) => {
    const running = await start(tracker);
    const url = (asked: Asked) => `/live/${asked.stream}.flv${asked.token ? `?token=${asked.token}` : ''}`;
    return {
      ...running,
      play: (asked) => running.noted(new WsFlvClient(running.server.http, url(asked), headersOf(asked))),
    };
  },
});
