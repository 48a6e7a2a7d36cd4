import type { SessionTracker } from '@stream-sessions/core';
import { transportContract, type PlayRequest } from '@stream-sessions/core/testing';
import { attachRtsp, createRtspServer } from '../src/index.js';
import { certificate } from './support/certificate.js';
import { RtspClient, type ClientOptions } from './support/rtsp-client.js';

const pathOf = ({ stream, token }: PlayRequest) => `/live/${stream}${token ? `?token=${token}` : ''}`;
const headersOf = ({ userAgent }: PlayRequest): Record<string, string> =>
  userAgent ? { 'User-Agent': userAgent } : {};

async function start(tracker: SessionTracker, options: ClientOptions) {
  const server = createRtspServer({ ...(options.secure && { tls: certificate() }) });
  const attachment = attachRtsp(server, tracker);
  const { port } = await server.listen(0, '127.0.0.1');
  const clients: RtspClient[] = [];
  const newClient = (): RtspClient => {
    const client = new RtspClient(port, options);
    clients.push(client);
    return client;
  };
  const asPlayed = (client: RtspClient) => ({
    received: () => client.mediaBytes,
    get ended() {
      return client.ended;
    },
    drop: () => client.drop(),
    refusal: () => client.responses.at(-1)?.phrase,
  });
  for (const stream of ['cam1', 'cam2']) await newClient().publish(`/live/${stream}`);
  return {
    play: (asked: PlayRequest) => {
      const client = newClient();
      void client.play(pathOf(asked), headersOf(asked));
      return asPlayed(client);
    },
    publish: (asked: PlayRequest) => {
      const client = newClient();
      void client.publish(pathOf(asked), headersOf(asked));
      return asPlayed(client);
    },
    detach: () => attachment.detach(),
    stop: async () => {
      clients.forEach((client) => client.drop());
      await server.close();
    },
  };
}

for (const [name, options] of [
  ['RTSP over TCP', { over: 'tcp' }],
  ['RTSP over UDP', { over: 'udp' }],
  ['RTSPS', { over: 'tcp', secure: true }],
] as const) {
  transportContract({ name, protocol: 'rtsp', start: (tracker) => start(tracker, options) });
}
