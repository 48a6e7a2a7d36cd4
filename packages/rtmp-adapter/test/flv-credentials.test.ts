import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { attachRtmp, type Attachment } from '../src/index.js';
import { HttpFlvClient, WsFlvClient } from './support/flv-clients.js';
import { startServer2 } from './support/server-2.js';
import { startServer4 } from './support/server-4.js';
import { until } from '../../../test/support/until.js';

const doorkeeper: Policy = {
  name: 'doorkeeper',
  admit: ({ credentials: offered }) => {
    const allow =
      offered?.scheme === 'bearer'
        ? offered.token === 'abc'
        : offered?.user === 'me' && offered.verify('pass:word') && !offered.verify('pass');
    return allow ? { allow } : { allow: false, reason: 'unauthorized', kind: 'credentials' };
  },
};

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe.each([4, 2] as const)('Authorization of a player of node-media-server %i', (version) => {
  let server: { readonly http: number; stop(): Promise<void> };
  let tracker: SessionTracker;
  let attachment: Attachment;

  beforeAll(async () => {
    tracker = createTracker({ policies: [doorkeeper] });
    server = await (version === 4 ? startServer4 : startServer2)((nms) => (attachment = attachRtmp(nms, tracker)));
  });
  afterAll(async () => {
    await attachment.detach();
    await tracker.stop();
    await server.stop();
  });

  describe.each([
    ['http-flv', HttpFlvClient],
    ['ws-flv', WsFlvClient],
  ] as const)('over %s', (protocol, Client) => {
    const play = (authorization?: string) =>
      new Client(server.http, '/live/cam1.flv', authorization === undefined ? {} : { authorization });

    it.each(['Bearer abc', basic('me:pass:word')])('is passed to policies: %s', async (authorization) => {
      const player = play(authorization);
      const active = () => tracker.list({ protocol, status: 'active' });
      await until('it is listed', () => active().length === 1);
      expect(JSON.stringify(active())).not.toMatch(/\babc\b|pass/);
      player.drop();
      await until('it is closed', () => active().length === 0);
    });

    it.each([undefined, 'Bearer xyz', basic('me:pass'), 'Digest username="me"'])(
      'refuses %s',
      async (authorization) => {
        const player = play(authorization);
        await until('it is let go', () => player.ended);
        expect(player.answer).toBe(401);
      },
    );
  });
});
