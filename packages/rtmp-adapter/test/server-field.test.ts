import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { attachRtmp, type Attachment, type NodeMediaServer } from '../src/index.js';
import { RtmpClient } from './support/rtmp-client.js';
import { startServer2 } from './support/server-2.js';
import { startServer4 } from './support/server-4.js';
import { until } from '../../../test/support/until.js';

/** Encoders have two fields, the server's and the stream key's, and some people put the query into the first. */
let server: { readonly nms: NodeMediaServer; readonly rtmp: number; stop(): Promise<void> };
let tracker: SessionTracker;
let attachment: Attachment;
let clients: RtmpClient[];

afterEach(async () => {
  clients.forEach((client) => client.drop());
  await until('all are gone', () => tracker.stats().active === 0);
  await attachment.detach();
  await tracker.stop();
  await server.stop();
});

async function begin(start: typeof startServer2 | typeof startServer4): Promise<(string | undefined)[]> {
  clients = [];
  const tokens: (string | undefined)[] = [];
  const notes: Policy = { name: 'notes', admit: ({ token }) => (tokens.push(token), { allow: true }) };
  tracker = createTracker({ policies: [notes] });
  server = await start((nms) => (attachment = attachRtmp(nms, tracker)));
  return tokens;
}

function client(serverField: string): RtmpClient {
  const made = new RtmpClient(server.rtmp, false, serverField);
  clients.push(made);
  return made;
}

const active = () => tracker.list({ status: 'active' }).map(({ kind, stream, query }) => ({ kind, stream, query }));

describe('node-media-server 2', () => {
  it('finds stream and token if the query is in the field for the server', async () => {
    const tokens = await begin(startServer2);
    await client('live?token=a/b').publish('cam1', undefined, 1000, 2);
    await until('it publishes', () => active().length === 1);
    const player = await client('live?token=c').play('cam1?x=1');
    await until('it plays', () => player.mediaBytes > 0);
    expect(
      active()
        .map(({ kind, stream }) => `${kind} of ${stream}`)
        .sort(),
    ).toEqual(['input of cam1', 'viewer of cam1']);
    expect(tokens).toEqual(['a/b', 'c']);
    expect(tracker.list({ kind: 'viewer' })[0]?.query).toMatch(/^x=1&token=(?!c$)/);
  });

  it('takes no token if the two fields have different ones', async () => {
    const tokens = await begin(startServer2);
    await client('live?token=a').play('cam1?token=b');
    await until('it waits', () => active().length === 1);
    await client('live?token=a').play('cam1?token=a');
    await until('both wait', () => active().length === 2);
    expect(tokens).toEqual([undefined, 'a']);
  });

  it.each(['cam1#2', 'cam1/trackID=1', '/cam1', 'cam1/'])(
    'refuses the name %s, which would be listed as cam1, and says so',
    async (name) => {
      await begin(startServer2);
      const player = await client('live').play(name);
      const publisher = await client('live').publish(name, undefined, 1000, 2);
      await until('both are let go', () => player.ended && publisher.ended);
      expect([player, publisher].map(({ statuses }) => statuses.at(-1))).toEqual([
        expect.objectContaining({ code: 'NetStream.Play.Failed', description: '403 bad_stream_name' }),
        expect.objectContaining({ code: 'NetStream.Publish.Denied', description: '403 bad_stream_name' }),
      ]);
      expect(tracker.stats().openedTotal).toBe(0);
    },
  );
});

describe('node-media-server 4', () => {
  it('hangs up on a query in the field for the server, which it takes for an invalid name', async () => {
    const warn = jest.spyOn(process, 'emitWarning');
    await begin(startServer4);
    const publisher = await client('live?token=a').publish('cam1');
    const player = await client('live?token=a').play('cam1');
    await until('both are let go', () => publisher.ended && player.ended);
    expect([tracker.stats().openedTotal, warn.mock.calls]).toEqual([0, []]);
    warn.mockRestore();
  });
});
