import { once } from 'node:events';
import { connect } from 'node:net';

/** A request to upgrade as it may come from anybody: nothing of it is tidied. */
export function upgradeRequest(target: string, headers: Record<string, string | undefined> = {}): Buffer {
  const all: Record<string, string | undefined> = {
    Host: 'a',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Version': '13',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return Buffer.from([`GET ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n'), 'latin1');
}

/** The status that such a request is answered with; undefined when there is no answer at all. */
export async function statusOf(port: number, request: Buffer): Promise<number | undefined> {
  const socket = connect(port, '127.0.0.1', () => socket.write(request));
  socket.on('error', () => undefined);
  const answered = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [])]);
  socket.destroy();
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(String(answered[0])) ?? [];
  return status === undefined ? undefined : Number(status);
}
