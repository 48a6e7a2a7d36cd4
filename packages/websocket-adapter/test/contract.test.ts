import type { SessionTracker } from '@stream-sessions/core';
import { transportContract } from '@stream-sessions/core/testing';
import type { ServerOptions } from 'ws';
import type { Client } from './support/client.js';
import { Stage } from './support/stage.js';

const played = (client: Client) => ({
  received: () => client.received,
  ended: client.ended,
  drop: () => client.ws.terminate(),
  refusal: () => client.status,
});

async function start(tracker: SessionTracker, server: ServerOptions) {
  const stage = await Stage.start({
    tracker,
    server,
    options: {
      hit: (request, hit) => (request.headers['x-publishes'] === undefined ? hit : { ...hit, kind: 'input' }),
    },
  });
  stage.sendsMedia();
  if (server.noServer) {
    stage.http.on('upgrade', (request, socket, head) =>
      stage.wss.handleUpgrade(request, socket, head, (ws) => stage.wss.emit('connection', ws, request)),
    );
  }
  return stage;
}

for (const [name, server] of [
  ['ws with a server', {}],
  ['ws with noServer and permessage-deflate', { noServer: true, perMessageDeflate: { threshold: 0 } }],
] as [string, ServerOptions][]) {
  transportContract({
    name,
    protocol: 'websocket',
    start: async (tracker) => {
      const stage = await start(tracker, server);
      return {
        play: ({ stream, token, userAgent = 'a test' }) =>
          played(
            stage.connect(`/live/${stream}${token ? `?token=${token}` : ''}`, { headers: { 'user-agent': userAgent } }),
          ),
        publish: ({ stream, token }) => {
          const client = stage.connect(`/live/${stream}?token=${token}`, { headers: { 'x-publishes': 'yes' } });
          client.ws.on('open', () => client.ws.send(Buffer.alloc(10_000)));
          return played(client);
        },
        detach: () => stage.attachment.detach(),
        stop: () => stage.stop(),
      };
    },
  });
}
