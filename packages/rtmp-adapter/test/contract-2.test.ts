import type { SessionTracker } from '@stream-sessions/core';
import { transportContract } from '@stream-sessions/core/testing';
import { attachRtmp } from '../src/index.js';
import { HttpFlvClient } from './support/flv-clients.js';
import { RtmpClient } from './support/rtmp-client.js';
import { startServer2 } from './support/server-2.js';

/** 2 reads the headers of H.264, and the test's are none. */
const H263 = 2;

interface Asked {
  stream: string;
  token?: string;
  userAgent?: string;
}

const nameOf = ({ stream, token }: Asked) => (token ? `${stream}?token=${token}` : stream);
const urlOf = ({ stream, token }: Asked) => `/live/${stream}.flv${token ? `?token=${token}` : ''}`;
const headersOf = ({ userAgent }: Asked): Record<string, string> => (userAgent ? { 'user-agent': userAgent } : {});

async function start(tracker: SessionTracker) {
  let attachment: ReturnType<typeof attachRtmp> | undefined;
  const server = await startServer2((nms) => (attachment = attachRtmp(nms, tracker)));
  const clients: { drop(): void }[] = [];
  const noted = <T extends { drop(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  for (const stream of ['cam1', 'cam2'])
    await noted(new RtmpClient(server.rtmp)).publish(stream, undefined, 1000, H263);
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
});

transportContract({
  name: 'RTMP of node-media-server 2',
  protocol: 'rtmp',
  start: async (tracker) => {
    const running = await start(tracker);
    const client = () => running.noted(new RtmpClient(running.server.rtmp));
    return {
      ...running,
      play: async (asked) => played(await client().play(nameOf(asked), asked.userAgent)),
      publish: async (asked) => played(await client().publish(nameOf(asked), asked.userAgent, 1000, H263)),
    };
  },
});

transportContract({
  name: 'HTTP-FLV of node-media-server 2',
  protocol: 'http-flv',
  skip: [
    {
      case: 'lists a publisher as an input, and counts what it sends',
      reason: 'version 2 takes no publishers over HTTP',
    },
  ],
  start: async (tracker) => {
    const running = await start(tracker);
    return {
      ...running,
      play: (asked) => running.noted(new HttpFlvClient(running.server.http, urlOf(asked), headersOf(asked))),
    };
  },
});
