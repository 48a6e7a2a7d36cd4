import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';
import { guardNodeMediaServer } from '../../src/index.js';
import { HANDSHAKE } from '../support/rtmp-client.js';
import { startServer2 } from '../support/server-2.js';
import { startServer4 } from '../support/server-4.js';
import { stays, until } from '../../../../test/support/until.js';

const START_TIMEOUT_MS = 300;
const ANSWER_BYTES = 1 + 1536 + 1536;

it.each([
  ['2', startServer2],
  ['4', startServer4],
])('a connection that is greeting node-media-server %s while its guard is removed goes on', async (_version, start) => {
  let unguard = (): void => undefined;
  const server = await start((nms) => (unguard = guardNodeMediaServer(nms, { startTimeoutMs: START_TIMEOUT_MS })));
  const { nrs, rtmpServer } = server.nms as unknown as Record<'nrs' | 'rtmpServer', { tcpServer: Server } | undefined>;
  const accepted: Socket[] = [];
  (nrs ?? rtmpServer)!.tcpServer.on('connection', (socket: Socket) => accepted.push(socket));
  const client = connect(server.rtmp, '127.0.0.1').resume();
  await once(client, 'connect');
  client.write(HANDSHAKE.subarray(0, 700));
  await until('the guard holds it', () => accepted[0]?.bytesRead === 700);

  unguard();
  client.write(HANDSHAKE.subarray(700));
  await until('the server has answered', () => client.bytesRead >= ANSWER_BYTES);
  await stays('it is connected', () => !client.closed, 2 * START_TIMEOUT_MS);
  client.destroy();
  await server.stop();
});
