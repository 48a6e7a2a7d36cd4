import type { SessionTracker } from '@stream-sessions/core';
import { transportContract, type PlayRequest } from '@stream-sessions/core/testing';
import { attachRtsp } from '../src/index.js';
import { app, createServer, listening } from './support/package-server.js';
import { RtspClient } from './support/rtsp-client.js';

const pathOf = ({ stream, token }: PlayRequest) => `/live/${stream}${token ? `?token=${token}` : ''}`;
const headersOf = ({ userAgent }: PlayRequest): Record<string, string> =>
  userAgent ? { 'User-Agent': userAgent } : {};

async function start(tracker: SessionTracker) {
  const server = createServer();
  const attachment = attachRtsp(server, tracker);
  server.on('request', app); // later than the adapter
  const port = await listening(server);
  const clients: RtspClient[] = [];
  const started = (begin: (client: RtspClient) => Promise<unknown>) => {
    const client = new RtspClient(port);
    clients.push(client);
    void begin(client);
    return {
      received: () => client.mediaBytes,
      get ended() {
        return client.ended;
      },
      drop: () => client.drop(),
    };
  };
  return {
    play: (asked: PlayRequest) => started((client) => client.play(pathOf(asked), headersOf(asked))),
    publish: (asked: PlayRequest) => started((client) => client.publish(pathOf(asked), headersOf(asked))),
    detach: () => attachment.detach(),
    stop: () => {
      clients.forEach((client) => client.drop());
      server.close();
    },
  };
}

transportContract({ name: 'RTSP of the npm package rtsp-server', protocol: 'rtsp', start });
