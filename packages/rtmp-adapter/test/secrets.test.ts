import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import context2 from 'node-media-server-2/src/node_core_ctx.js';
import context4 from 'node-media-server/src/core/context.js';
import { createTracker, toWire, type Policy, type SessionTracker } from '@stream-sessions/core';
import { httpAuthorizer } from '@stream-sessions/policies';
import { attachRtmp, type Attachment, type NodeMediaServer } from '../src/index.js';
import { command, HANDSHAKE, onStream } from './support/rtmp-client.js';
import { startServer2 } from './support/server-2.js';
import { startServer4 } from './support/server-4.js';
import { until } from '../../../test/support/until.js';

/** Every password has this in it. */
const SECRET = 'hush-hush';
/** And every token, and everything else in a query, this: an authoriser is told of it, for it judges it. */
const TOKEN = 'entrance';

interface Said {
  readonly app?: string;
  readonly tcUrl: string;
  readonly [name: string]: string | undefined;
}

const connecting = (said: Said, ask: 'play' | 'publish', name: string): Buffer =>
  Buffer.concat([
    HANDSHAKE,
    command('connect', 1, { app: 'live', flashVer: 'TEST/1.0', ...said }),
    onStream(ask, 3, null, name, 'live'),
  ]);

const RTMP = [
  connecting({ tcUrl: `rtmp://${SECRET}-1:${SECRET}-2@h/live` }, 'play', `cam1?token=${TOKEN}-1`),
  connecting({ tcUrl: `rtmp://${SECRET}-3:${SECRET}/4@h/live` }, 'publish', `cam2?token=${TOKEN}-2&pass=${TOKEN}-5`),
  connecting(
    { tcUrl: 'rtmp://h/live', swfUrl: `http://${SECRET}-6:${SECRET}-7@h/p.swf`, pageUrl: `http://${SECRET}-8@h/` },
    'play',
    `cam1?tkn=${TOKEN}-3&from=rtmp://${TOKEN}-9:${TOKEN}-10@h/live`,
  ),
  connecting(
    { tcUrl: `rtmp://${SECRET}-11:${SECRET}-12@h/live?token=${TOKEN}-4` },
    'play',
    `cam1?password=${TOKEN}-13&sig=${TOKEN}-14`,
  ),
  connecting({ tcUrl: 'rtmp://h/live' }, 'play', `rtmp://${SECRET}-15:${SECRET}-16@h/live/cam1?token=${TOKEN}-5`),
  connecting({ tcUrl: `${SECRET}-17:${SECRET}-18@h` }, 'publish', `cam3?token=${TOKEN}-6&token=${TOKEN}-7`),
  connecting(
    { app: `live?token=${TOKEN}-8`, tcUrl: `rtmp://${SECRET}-19@h/live?token=${TOKEN}-8` },
    'play',
    `cam1?secret=${TOKEN}-20`,
  ),
];

const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
const request = (target: string, headers = ''): Buffer =>
  Buffer.from(`GET ${target} HTTP/1.1\r\nHost: h\r\n${headers}\r\n`);
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

const HTTP = ['', UPGRADE].flatMap((upgrade) => [
  request(`/live/cam1.flv?token=${TOKEN}-20&pass=${TOKEN}-30`, upgrade + basic(`me:${SECRET}-31`)),
  request(`/live/cam1.flv?password=${TOKEN}-32`, `${upgrade}Authorization: Bearer ${TOKEN}-21\r\n`),
  request(
    `/live/cam1.flv?token=${TOKEN}-22`,
    `${upgrade}Referer: http://${SECRET}-33:${SECRET}-34@h/page?token=${TOKEN}-23\r\n`,
  ),
  request(`http://${SECRET}-35:${SECRET}-36@h/live/cam1.flv?token=${TOKEN}-24`, upgrade),
  request(`//${SECRET}-37:${SECRET}-38@h/live/cam1.flv`, upgrade),
]);

const told: string[] = [];
const tell =
  (where: string) =>
  (...what: unknown[]): void =>
    void told.push(
      `${where}: ${what.map((each) => (each instanceof Error ? String(each.stack) : JSON.stringify(each))).join(' ')}`,
    );
const has = (secret: string): string[] =>
  told.filter((line) => !ofServer.test(line) && (line.includes(secret) || line.includes(encoded(secret))));
/** What version 2 writes into its own log before or after it asks: the query of a player over FLV, and names as they came. */
const ofServer = /^log: .*(?:-flv connect\] id=\w+ ip=[^ ]* args=|\[rtmp play\] .* streamPath=)/;
/** Of a Basic header. */
const encoded = (secret: string): string => Buffer.from(`xx:${secret}`).toString('base64').slice(4, 12);

describe.each([
  [4, context4.sessions],
  [2, context2.sessions],
] as const)('node-media-server %i', (version, sessions) => {
  let server: { readonly rtmp: number; readonly http: number; stop(): Promise<void> };
  let tracker: SessionTracker;
  let attachment: Attachment;
  const sockets: Socket[] = [];

  async function start(policies: Policy[]): Promise<void> {
    told.length = 0;
    jest.spyOn(process, 'emitWarning').mockImplementation(tell('warning'));
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => (tell('stderr')(String(text)), true));
    for (const way of ['log', 'info', 'warn', 'error'] as const) jest.spyOn(console, way).mockImplementation(tell(way));
    const logger = { debug: tell('log'), info: tell('log'), warn: tell('log'), error: tell('log') };
    tracker = createTracker({ policies, logger, updateIntervalMs: 1 });
    for (const event of ['opened', 'updated', 'closed', 'denied'] as const) tracker.on(event, tell(event));
    tracker.addSink({ name: 'everything', write: (batch) => batch.forEach(tell('sink')) });
    const attach = (nms: NodeMediaServer): unknown => (attachment = attachRtmp(nms, tracker));
    // Version 2 logs what it is told, and version 4, which these servers keep quiet, nothing but names.
    server = await (version === 4 ? startServer4(attach) : startServer2(attach, { logType: 2 }));
  }

  const judged = (): number => tracker.stats().openedTotal + tracker.stats().deniedTotal;

  async function say(port: number, said: Buffer): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'connect');
    const before = judged();
    socket.write(said);
    await Promise.race([closed, until('it is judged', () => judged() > before, 100).catch(() => undefined)]);
  }

  async function sayAll(): Promise<void> {
    for (const said of RTMP) await say(server.rtmp, said);
    for (const said of HTTP) await say(server.http, said);
  }

  function tellAll(): void {
    const [sessions, denials] = [tracker.list(), tracker.denials()];
    tell('list')(sessions, sessions.map(toWire));
    tell('denials')(denials);
    for (const { id } of [...sessions, ...denials]) tell('explain')(tracker.explain(id));
    tell('rest')(tracker.streams(), tracker.stats());
  }

  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    await until('the server has forgotten them', () => sessions.size === 0);
    await attachment.detach();
    await tracker.stop();
    await server.stop();
  });

  it('shows no credential, wherever it was offered: to listeners, sinks, logs, lists, explanations', async () => {
    const refusesSome: Policy = {
      name: 'odd',
      admit: ({ token }) =>
        token !== undefined && /[13579]$/.test(token)
          ? { allow: false, reason: 'unauthorized', kind: 'credentials', denyForMs: 60_000 }
          : { allow: true },
    };
    await start([refusesSome]);
    await sayAll();
    await until('most are judged', () => judged() >= 9);
    const [first] = tracker.list({ status: 'active' });
    expect(tracker.kick(first!.id)).toBe(true);
    tellAll();
    await attachment.detach();
    await tracker.stop();
    tellAll();
    expect(told.length).toBeGreaterThan(30);
    expect(has(SECRET)).toEqual([]);
    expect(has(TOKEN)).toEqual([]);
  });

  it('tells an HTTP authoriser what it has to judge, and no password of a URL or a header', async () => {
    const bodies: string[] = [];
    const service: Server = createServer((asked, response) => {
      let body = '';
      asked.on('data', (data) => (body += String(data)));
      asked.on('end', () => {
        bodies.push(`${asked.url} ${JSON.stringify(asked.headers)} ${body}`);
        response.end('{"allow":true}');
      });
    });
    await once(service.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
    try {
      await start((['json', 'mediamtx', 'mistserver'] as const).map((payload) => httpAuthorizer({ url, payload })));
      await sayAll();
      await until('most are asked about', () => bodies.length >= 20);
      expect(bodies.filter((body) => body.includes(TOKEN)).length).toBeGreaterThan(10);
      expect(bodies.filter((body) => body.includes(SECRET))).toEqual([]);
      tellAll();
      expect([...has(SECRET), ...has(TOKEN)]).toEqual([]);
    } finally {
      service.closeAllConnections();
      service.close();
    }
  });
});
