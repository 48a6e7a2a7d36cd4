import { connect, type Server, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { createTracker, type Policy, type SessionTracker } from '@stream-sessions/core';
import { attachRtsp, createRtspServer, type RtspServer } from '../src/index.js';
import { certificate } from './support/certificate.js';
import { app, createServer, listening } from './support/package-server.js';
import { RtspClient, SDP } from './support/rtsp-client.js';
import { pace, until } from '../../../test/support/until.js';

/** Connections that end between accept, admission and registration: nothing of them stays, whenever it was. */
const MANY = 1_000;
const AT_ONCE = 50;

/** Decides at once, soon, or so late that most have gone. */
const whenever: Policy = {
  name: 'whenever',
  admit: ({ token }) => {
    const ms = Number(token ?? 0);
    return ms === 0 ? { allow: true } : pace(ms).then(() => ({ allow: true }) as const);
  },
};

let tracker: SessionTracker;
let port: number;
let stop: () => Promise<unknown>;
let publisher: RtspClient | undefined;

beforeEach(() => (tracker = createTracker({ policies: [whenever], maxSessionsPerIp: 5_000 })));
afterEach(async () => {
  publisher?.drop();
  publisher = undefined;
  await stop();
  await tracker.stop();
});

const request = (method: string, path: string, more = '', body = '') =>
  `${method} rtsp://127.0.0.1${path} RTSP/1.0\r\nCSeq: 1\r\n${more}${body && `Content-Length: ${body.length}\r\n`}\r\n${body}`;
const SDP_TYPE = 'Content-Type: application/sdp\r\n';
const TCP = 'Transport: RTP/AVP/TCP;unicast';
const UDP = 'Transport: RTP/AVP;unicast;client_port=';

/** What one of them says, all of it at once, before it goes. */
function words(i: number): string {
  const token = ['', '?token=1', '?token=5', '?token=30'][i % 4];
  const setUp = (name: string, more: string) => request('SETUP', `${name}${token}`, `${more}\r\n`);
  const play = `/live/cam1${token}`;
  const udp = `${UDP}${20_000 + 2 * (i % 10_000)}`;
  const own = `/live/p${i}${token}`;
  const all = [
    '',
    request('DESCRIBE', play).slice(0, 40),
    request('DESCRIBE', play),
    request('DESCRIBE', play) + setUp('/live/cam1/trackID=0', TCP) + request('PLAY', play),
    setUp('/live/cam1/trackID=0', udp) + request('PLAY', play),
    setUp('/live/cam1/trackID=0', udp) + setUp('/live/cam1/trackID=1', udp),
    request('ANNOUNCE', own, SDP_TYPE, SDP) +
      setUp(`/live/p${i}/streamid=0`, `${TCP};mode=record`) +
      request('RECORD', own),
    request('ANNOUNCE', own, SDP_TYPE, SDP) +
      setUp(`/live/p${i}/streamid=0`, `${udp};mode=record`) +
      request('RECORD', own),
    request('PLAY', play),
    request('RECORD', own),
  ];
  return all[i % all.length] as string;
}

/** Ends it in one of three ways, some time after it was begun. */
function leave(socket: Socket, i: number): void {
  const reset = (): unknown => (socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy());
  const go = [() => socket.destroy(), () => socket.end(), reset][i % 3] as () => void;
  const wait = [0, 0, 1, 2, 5, 10, 20][i % 7] as number;
  if (wait === 0) setImmediate(go);
  else setTimeout(go, wait);
}

/** The server has other things to do now and then, and sees several things happen at once afterwards. */
function spin(): void {
  const end = performance.now() + 40;
  while (performance.now() < end);
}

async function comeAndGo(many: number, open: () => Socket): Promise<void> {
  const busy = setInterval(spin, 150);
  let begun = 0;
  const one = async (): Promise<void> => {
    while (begun < many) {
      const i = begun++;
      const socket = open();
      socket.on('error', () => undefined);
      socket.resume();
      // Some hang up before they are accepted.
      if (i % 11 === 0) socket.destroy();
      else if (i % 13 === 0)
        socket.once('connect', () => leave(socket, i)); // TLS is not done with its hands yet
      else socket.once('connect', () => socket.write(words(i), () => leave(socket, i)));
      await new Promise((gone) => socket.once('close', gone));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  clearInterval(busy);
}

const resources = (name: RegExp): number => process.getActiveResourcesInfo().filter((each) => name.test(each)).length;

async function expectNothingLeft(connections: () => number, own: number): Promise<void> {
  await until('all connections have gone', () => connections() === own);
  // Those who waited for a verdict have it by now, or will hear nothing of it.
  await pace(60);
  const { openedTotal, closedTotal, active } = tracker.stats();
  expect([openedTotal - closedTotal, active]).toEqual([own, own]);
  expect(tracker.list({ status: 'active' })).toHaveLength(own);
  expect(resources(/udp/i)).toBe(0);
  expect(openedTotal).toBeGreaterThan(50); // some got as far as that
}

describe.each([
  ['RTSP', false, MANY],
  ['RTSPS', true, 250], // shaking hands takes its time
])('after many short visits over %s, nothing remains in the relay', (_what, secure, many) => {
  it('no session, no connection, no port', async () => {
    const server: RtspServer = createRtspServer({ tracker, ...(secure && { tls: certificate() }) });
    ({ port } = await server.listen(0, '127.0.0.1'));
    stop = () => server.close();
    publisher = new RtspClient(port, { secure });
    await publisher.publish('/live/cam1');
    await comeAndGo(many, () =>
      secure ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1'),
    );
    const { relay, sockets } = server as unknown as {
      relay: { connections: Set<unknown>; unstarted: Set<unknown> };
      sockets: Set<unknown>;
    };
    await expectNothingLeft(() => relay.connections.size, 1);
    expect([relay.unstarted.size, sockets.size]).toEqual([0, 1]);
    expect(server.streams).toEqual(['cam1']);
  });
});

it('after many short visits, nothing remains in a server of the npm package rtsp-server', async () => {
  const server: Server = createServer(app);
  const attachment = attachRtsp(server, tracker);
  port = await listening(server);
  stop = async () => {
    await attachment.detach();
    server.close();
  };
  await comeAndGo(MANY, () => connect(port, '127.0.0.1'));
  let connections = -1;
  const count = (): number => {
    server.getConnections((_error, found) => (connections = found));
    return connections;
  };
  await expectNothingLeft(count, 0);
});
