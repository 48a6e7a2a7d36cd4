import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { heldBytes } from '@stream-sessions/core/testing';
import { createRtspServer, type RtspServer } from '../src/index.js';
import { RtspClient, SDP } from './support/rtsp-client.js';

const KIB = 1024;
let publisher: RtspClient | undefined;

afterEach(() => publisher?.drop());

describe('the relay keeps a bounded number of bytes of', () => {
  let server: RtspServer;
  let clients: RtspClient[];

  async function serve(options: { tracker?: SessionTracker } = {}): Promise<number> {
    clients = [];
    server = createRtspServer({ ...options, startTimeoutMs: 0 });
    const { port } = await server.listen(0, '127.0.0.1');
    const own = (publisher = new RtspClient(port));
    await own.publish('/live/cam1');
    own.fallSilent();
    return port;
  }

  afterEach(async () => {
    clients.forEach((client) => client.drop());
    await server.close();
  });

  const MANY = 100;
  const text = (length: number): string => 'x'.repeat(length);
  /** As much as a head has room for, all of it different from what others say. */
  const long = (name: string): [path: string, headers: Record<string, string>] => [
    `/live/cam1?x=${name}${text(6_000)}`,
    { 'User-Agent': name + text(2_500), Authorization: digest(name + text(2_500)), 'X-More': name + text(2_500) },
  ];
  const short = (name: string): [path: string, headers: Record<string, string>] => [
    `/live/cam1?x=${name}`,
    { 'User-Agent': name, Authorization: digest(name) },
  ];
  const digest = (name: string): string => `Digest username="${name}", uri="/live/cam1"`;

  type Does = (client: RtspClient, name: string) => Promise<unknown>;
  let came = 0;

  async function come(port: number, times: number, does: Does): Promise<void> {
    for (let i = 0; i < times; i++) {
      const client = new RtspClient(port);
      clients.push(client);
      await does(client, `nr${came++}`);
      client.responses.length = 0;
    }
  }

  /** What each of many that do this costs, in bytes. */
  async function bytesOfEach(port: number, does: Does): Promise<number> {
    const before = heldBytes();
    await come(port, MANY, does);
    return (heldBytes() - before) / MANY;
  }

  /**
   * That who says much costs no more than so many bytes above who says little. Measured again if it does: the heap also
   * grows by what is there once, compiled code say, and that is a lot for a hundred; what is kept of each is there each time.
   */
  async function expectBelow(most: number, port: number, much: Does, little: Does): Promise<void> {
    await come(port, 20, much);
    await come(port, 20, little);
    const more: number[] = [];
    do more.push((await bytesOfEach(port, much)) - (await bytesOfEach(port, little)));
    while (more.length < 3 && Math.min(...more) >= most);
    expect(Math.min(...more)).toBeLessThan(most);
  }

  const asks = (said: typeof long) => async (client: RtspClient, name: string) => {
    const [path, headers] = said(name);
    expect((await client.ask('DESCRIBE', client.url(path), headers)).status).toBe(200);
  };
  const plays = (said: typeof long) => async (client: RtspClient, name: string) => {
    expect((await client.play(...said(name))).status).toBe(200);
  };

  it.each([
    ['who asks', asks],
    ['who plays', plays],
  ])(
    '%s, without a tracker',
    async (_what, does) => {
      const port = await serve();
      await expectBelow(1.5 * KIB, port, does(long), does(short));
    },
    60_000,
  );

  it('a player, with a tracker', async () => {
    const tracker = createTracker({ maxSessionsPerIp: 10_000 });
    const port = await serve({ tracker });
    // What it is judged by again: URL and query. And what is shown of it: query and User-Agent, 2 KiB each.
    await expectBelow(20 * KIB, port, plays(long), plays(short));
  });

  it('a publisher', async () => {
    const port = await serve();
    const announces = (sdp: string) => async (client: RtspClient, name: string) => {
      expect((await client.announce(`/live/${name}`, {}, sdp.replace('s=test', `s=${name}`))).status).toBe(200);
    };
    const many = SDP + 'a=\r\n'.repeat(12_000);
    await expectBelow(1.5 * many.length, port, announces(many), announces(SDP));
  });
});
