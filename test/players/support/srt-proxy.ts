import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP proxy that counts the payload of SRT's data packets which pass through it to its clients. */
export interface SrtProxy {
  readonly port: number;
  /** Bytes of payload that went to the clients; what was sent again is not counted twice. */
  passed(): number;
  /** From now on nothing is forwarded in either direction, and nobody is told. */
  vanish(): void;
  stop(): void;
}

/** SRT's header: 16 bytes; the first bit says control packet, one of the message's word says sent again. */
const HEADER_BYTES = 16;
const CONTROL = 0x80;
const SENT_AGAIN = 0x04;

export async function startSrtProxy(target: number): Promise<SrtProxy> {
  let [passed, hasVanished] = [0, false];
  const front = createSocket('udp4');
  const upstreams = new Map<number, Socket>();
  front.on('message', (message, { port, address }) => {
    let upstream = upstreams.get(port);
    if (upstream === undefined) {
      upstreams.set(port, (upstream = createSocket('udp4')));
      upstream.on('error', () => undefined);
      upstream.on('message', (answer) => {
        if (hasVanished) return;
        if (isNewMedia(answer)) passed += answer.length - HEADER_BYTES;
        front.send(answer, port, address);
      });
    }
    if (!hasVanished) upstream.send(message, target, '127.0.0.1');
  });
  front.on('error', () => undefined);
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    port: front.address().port,
    passed: () => passed,
    vanish: () => void (hasVanished = true),
    stop: () => [front, ...upstreams.values()].forEach((socket) => socket.close()),
  };
}

const isNewMedia = (packet: Buffer): boolean =>
  packet.length > HEADER_BYTES && ((packet[0] as number) & CONTROL) === 0 && ((packet[8] as number) & SENT_AGAIN) === 0;
