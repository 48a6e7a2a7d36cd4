import type { SessionTracker } from '@stream-sessions/core';
import { transportContract } from '@stream-sessions/core/testing';
import { attachSrt, createSrtServer } from '../src/index.js';
import { Caller } from './support/caller.js';
import { LiveTransmit } from './support/live-transmit.js';

interface Asked {
  stream: string;
  token?: string;
}
interface Client {
  drop(): unknown;
}

const plain = ({ stream, token }: Asked): string => `live/${stream}${token ? `?token=${token}` : ''}`;
const controlled = ({ stream, token }: Asked, mode: string): string =>
  `#!::r=live/${stream},m=${mode}${token ? `,t=${token}` : ''}`;

/** Media on two streams, published before anybody tracks: contracts are about who comes then. */
async function start(tracker: SessionTracker, passphrase?: string) {
  const server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, passphrase });
  const attachment = attachSrt(server, tracker);
  const clients: Client[] = [];
  const noted = <T extends Client>(client: T): T => {
    clients.push(client);
    return client;
  };
  const caller = (streamId: string): Caller => noted(new Caller(server.port, streamId, { passphrase }));
  for (const stream of ['cam1', 'cam2']) (await caller(controlled({ stream }, 'publish')).connects()).publish();
  return {
    server,
    noted,
    caller,
    detach: () => attachment.detach(),
    stop: async () => {
      const dropped = Promise.all(clients.map((client) => client.drop()));
      await server.close();
      await dropped;
    },
  };
}

const played = (caller: Caller) => ({
  received: () => caller.received,
  get ended() {
    return caller.ended;
  },
  drop: () => void caller.drop(),
});

for (const [name, passphrase] of [
  ['SRT', undefined],
  ['SRT, encrypted,', 'a secret of us all'],
] as const) {
  transportContract({
    name,
    protocol: 'srt',
    start: async (tracker) => {
      const running = await start(tracker, passphrase);
      return {
        ...running,
        play: (asked) => played(running.caller(plain(asked))),
        publish: (asked) => played(running.caller(controlled(asked, 'publish')).publish()),
      };
    },
  });
}

transportContract({
  name: 'SRT with srt-live-transmit',
  protocol: 'srt',
  skip: [
    {
      case: 'lists a publisher as an input, and counts what it sends',
      reason: 'test/players/srt.test.ts publishes with it',
    },
  ],
  start: async (tracker) => {
    const running = await start(tracker);
    return {
      ...running,
      play: (asked) => running.noted(new LiveTransmit(running.server.port, controlled(asked, 'request'))),
    };
  },
});
