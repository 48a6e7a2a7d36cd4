import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { CountingProxy } from './counting-proxy.js';

/**
 * A proxy that counts the media of RTSP players that take it over UDP: in SETUP it puts ports of its own for theirs, and hands on
 * what comes there.
 */
export async function startRtspUdpProxy(target: number): Promise<CountingProxy> {
  let passed = 0;
  const tcp = new Set<Socket>();
  const udp = new Set<UdpSocket>();

  /** A port whose datagrams go on to the player's. */
  async function port(player: number): Promise<number> {
    const socket = createSocket('udp4');
    udp.add(socket);
    socket.on('message', (payload) => {
      passed += payload.length;
      socket.send(payload, player, '127.0.0.1', () => undefined);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket.address().port;
  }

  async function rewritten(said: string): Promise<string> {
    const [ports, rtp, rtcp] = /client_port=(\d+)-(\d+)/.exec(said) ?? [];
    if (ports === undefined) return said;
    return said.replace(ports, `client_port=${await port(Number(rtp))}-${await port(Number(rtcp))}`);
  }

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      tcp.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    upstream.pipe(client);
    // A player waits for each answer before it asks again: requests stay in order.
    client.on(
      'data',
      (data: Buffer) => void rewritten(data.toString('latin1')).then((text) => upstream.write(text, 'latin1')),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passed: () => passed,
    stop: async () => {
      tcp.forEach((socket) => socket.destroy());
      udp.forEach((socket) => socket.close());
      server.close();
      await once(server, 'close');
    },
  };
}
