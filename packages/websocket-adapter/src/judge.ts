import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { warnOnce, type ConnectionSet } from '@stream-sessions/core/spi';
import { refuse } from './client/refuse.js';
import { UpgradeClient, type SocketWatch } from './client/upgrade-client.js';
import type { Settings } from './options.js';
import { hitOfUpgrade } from './request/hit-of-upgrade.js';
import type { UpgradeAnswer } from './server.js';

const warn = warnOnce('The WebSocket adapter could not judge a client, and refused it');

/** Asks the tracker. Undefined: the client has already been answered, or is gone. */
export function judge(
  request: IncomingMessage,
  answer: UpgradeAnswer,
  connections: ConnectionSet<Socket, UpgradeClient>,
  settings: Settings,
  watch: SocketWatch,
): UpgradeClient | undefined {
  const { socket } = request;
  if (socket.destroyed) return undefined;
  if (!settings.mayConnect(request)) return void refuse(answer, 403, 'This page may not connect.');
  let hit: ReturnType<typeof hitOfUpgrade>;
  try {
    hit = hitOfUpgrade(request, settings);
  } catch (error) {
    return failed(error, answer);
  }
  if (hit === null) return void answer(true);
  if (hit === undefined) return void refuse(answer, 400, 'The request names no stream.');
  const { ready } = settings;
  const { stream } = hit;
  const wait = ready === undefined ? undefined : () => ready(stream);
  const client = new UpgradeClient(socket, watch, answer, wait);
  try {
    connections.add(socket, client, hit);
  } catch (error) {
    return failed(error, answer);
  }
  return client;
}

function failed(error: unknown, answer: UpgradeAnswer): undefined {
  warn(error);
  refuse(answer, 500, 'The server could not judge this request.');
}
