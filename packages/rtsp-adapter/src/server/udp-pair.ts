import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Where datagrams may go to and come from. */
export interface UdpPeer {
  /** Without a zone or IPv4 mapping. */
  readonly address: string;
  readonly rtpPort: number;
  readonly rtcpPort: number;
}

/** Ports of the server that may be used, both included. Undefined: any free port. */
export type PortRange = readonly [number, number];

const TRIES = 32;
/**
 * The most data that waits in this process when the kernel does not take it; beyond this, datagrams are lost, as datagrams are.
 * Bytes.
 */
const MAX_QUEUED_BYTES = 256 * 1024;

/**
 * Two adjacent UDP ports, the even one for RTP and the other for RTCP (RFC 3550 §11). They are connected to the peer, so that the
 * kernel ignores what others send.
 */
export class UdpPair {
  private closed = false;

  private constructor(
    private readonly rtp: Socket,
    private readonly rtcp: Socket,
    readonly ports: readonly [number, number],
  ) {}

  /**
   * @param onPacket Called with what the peer sends; `isRtcp` according to the port it arrived at.
   * @throws if no two adjacent ports are free
   */
  static async open(
    local: string,
    peer: UdpPeer,
    range: PortRange | undefined,
    onPacket: (isRtcp: boolean, packet: Buffer) => void,
  ): Promise<UdpPair> {
    const pair = await bindPair(local, isIPv6(peer.address) ? 'udp6' : 'udp4', range);
    try {
      await Promise.all([connect(pair.rtp, peer.rtpPort, peer), connect(pair.rtcp, peer.rtcpPort, peer)]);
    } catch (error) {
      pair.close();
      throw error;
    }
    // What strangers sent before the ports were connected is still delivered.
    const from = (port: number, isRtcp: boolean) => (packet: Buffer, sender: RemoteInfo) => {
      if (sender.port === port && sender.address === peer.address) onPacket(isRtcp, packet);
    };
    pair.rtp.on('message', from(peer.rtpPort, false));
    pair.rtcp.on('message', from(peer.rtcpPort, true));
    return pair;
  }

  /** Only for `bindPair`. */
  static of(rtp: Socket, rtcp: Socket, ports: readonly [number, number]): UdpPair {
    return new UdpPair(rtp, rtcp, ports);
  }

  /** True if the kernel accepted it. */
  send(isRtcp: boolean, packet: Buffer): boolean {
    if (this.closed) return false;
    const socket = isRtcp ? this.rtcp : this.rtp;
    if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) return false;
    socket.send(packet);
    return true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.rtp.close();
    this.rtcp.close();
  }
}

async function bindPair(local: string, type: 'udp4' | 'udp6', range: PortRange | undefined): Promise<UdpPair> {
  const [low, high] = range ?? [0, 0];
  const pairs = Math.floor((high - low + 1) / 2);
  let even = low + 2 * Math.floor(Math.random() * pairs);
  for (let tries = 0; tries < (range === undefined ? TRIES : pairs); tries++) {
    const first = await bound(local, type, range === undefined ? 0 : even);
    if (range !== undefined && (even += 2) + 1 > high) even = low;
    if (first === undefined) continue;
    const { port } = first.address();
    const isEven = port % 2 === 0;
    const second = await bound(local, type, isEven ? port + 1 : port - 1);
    if (second === undefined) {
      first.close();
      continue;
    }
    return isEven ? UdpPair.of(first, second, [port, port + 1]) : UdpPair.of(second, first, [port - 1, port]);
  }
  throw new Error('no two neighbouring UDP ports are free');
}

function bound(address: string, type: 'udp4' | 'udp6', port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(type);
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // "Connection refused" by a peer that has not opened its port yet, or no longer has it open: its RTSP connection shows when
      // it is gone.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

const connect = (socket: Socket, port: number, { address }: UdpPeer): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.connect(port, address, (error?: Error) => (error === undefined ? resolve() : reject(error)));
  });
