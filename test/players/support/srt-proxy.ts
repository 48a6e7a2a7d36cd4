import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP proxy that counts the payload of SRT's data packets which pass through it to its clients. */
export interface SrtProxy {
  readonly port: number;
  /** Bytes of payload that went to the clients; what was sent again is not counted twice. */
  passed(): number;
  /** The same of what came from them. */
  came(): number;
  /** From now on nothing is forwarded in either direction, and nobody is told. */
  vanish(): void;
  stop(): void;
}

/** SRT's header: 16 bytes, of which the first bit says control packet, and the others of the first word are the sequence number. */
const HEADER_BYTES = 16;
const CONTROL = 0x80;

export async function startSrtProxy(target: number): Promise<SrtProxy> {
  let [passed, came, hasVanished] = [0, 0, false];
  const front = createSocket('udp4');
  const upstreams = new Map<number, Socket>();
  const counters = new Map<number, (packet: Buffer) => number>();
  front.on('message', (message, { port, address }) => {
    let upstream = upstreams.get(port);
    if (upstream === undefined) {
      upstreams.set(port, (upstream = createSocket('udp4')));
      counters.set(port, counter());
      upstream.on('error', () => undefined);
      const passes = counter();
      upstream.on('message', (answer) => {
        if (hasVanished) return;
        passed += passes(answer);
        front.send(answer, port, address);
      });
    }
    if (hasVanished) return;
    came += counters.get(port)!(message);
    upstream.send(message, target, '127.0.0.1');
  });
  front.on('error', () => undefined);
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    port: front.address().port,
    passed: () => passed,
    came: () => came,
    vanish: () => void (hasVanished = true),
    stop: () => [front, ...upstreams.values()].forEach((socket) => socket.close()),
  };
}

/** Counts payload once, also of what comes for the first time when it is sent again: a proxy on a busy machine loses packets. */
function counter(): (packet: Buffer) => number {
  const seen = new Set<number>();
  return (packet) => {
    if (packet.length <= HEADER_BYTES || ((packet[0] as number) & CONTROL) !== 0) return 0;
    const number = packet.readUInt32BE(0);
    if (seen.has(number)) return 0;
    seen.add(number);
    return packet.length - HEADER_BYTES;
  };
}
