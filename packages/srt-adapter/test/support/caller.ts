import { encodeAddress } from '../../src/binding/address.js';
import { BROKEN, ERR, IN, Option } from '../../src/binding/constants.js';
import { engineOf, type Engine, type Running } from '../../src/binding/engine.js';
import { libraryNames } from '../../src/binding/find-library.js';
import { setInt, setText } from '../../src/binding/socket.js';
import { until } from '../../../../test/support/until.js';

export interface CallOptions {
  passphrase?: string;
  host?: string;
  latencyMs?: number;
  /** Packets that it has room for. */
  window?: number;
  /** Latency that it asks of the other side. */
  asksLatencyMs?: number;
  /** Leaves what comes where it is. */
  deaf?: boolean;
  /** Bytes of a packet that it may send. */
  payload?: number;
}

const CONNECTED = 5;
const FLOW_WINDOW = 4; // SRTO_FC
const RECEIVE_LATENCY = 43; // SRTO_RCVLATENCY
const RECEIVE_BUFFER = 6; // SRTO_RCVBUF
const packet = Buffer.alloc(2048);

/** A caller over libsrt itself, in this process: publishes, plays, or misbehaves. */
export class Caller {
  received = 0;
  readonly packets: Buffer[] = [];
  ended = false;
  connected = false;
  private readonly engine: Engine = engineOf(libraryNames(process.platform));
  private readonly running: Running = this.engine.acquire();
  private readonly socket = this.running.srt.createSocket();
  private sender: NodeJS.Timeout | undefined;
  private onReleased: () => void = () => undefined;
  /** When it has ended, and libsrt too if it was the last. */
  readonly released = new Promise<void>((resolve) => (this.onReleased = resolve));

  constructor(
    port: number,
    readonly streamId: string,
    private readonly options: CallOptions = {},
  ) {
    const { srt, loop } = this.running;
    const { passphrase, host = '127.0.0.1', latencyMs = 20, asksLatencyMs, window, payload } = options;
    setInt(this.running, this.socket, Option.sendSync, 0);
    setInt(this.running, this.socket, Option.receiveSync, 0);
    setInt(this.running, this.socket, Option.latency, latencyMs);
    if (asksLatencyMs !== undefined) setInt(this.running, this.socket, RECEIVE_LATENCY, asksLatencyMs);
    if (window !== undefined) {
      setInt(this.running, this.socket, FLOW_WINDOW, window);
      setInt(this.running, this.socket, RECEIVE_BUFFER, window * 1456);
    }
    if (payload !== undefined) setInt(this.running, this.socket, Option.payloadSize, payload);
    if (streamId !== '') setText(this.running, this.socket, Option.streamId, streamId);
    if (passphrase !== undefined) setText(this.running, this.socket, Option.passphrase, passphrase);
    loop.add(this.socket, IN | ERR, () => this.woken());
    const address = encodeAddress(host, port);
    if (srt.connect(this.socket, address, address.length) < 0) throw new Error(srt.lastErrorText());
  }

  /** Sends so many packets every 10 ms, until it ends. Their first bytes count them. */
  publish(perTurn = 4, bytes = 1316): this {
    const data = Buffer.alloc(bytes, 0x47);
    let count = 0;
    this.sender = setInterval(() => {
      for (let i = 0; i < perTurn && !this.ended && this.isConnected(); i++) {
        data.writeUInt32BE(count, 1);
        if (this.running.srt.send(this.socket, data, data.length, null) > 0) count++;
      }
    }, 10);
    return this;
  }

  say(data: Buffer): number {
    return this.running.srt.send(this.socket, data, data.length, null);
  }

  isConnected(): boolean {
    return !this.ended && this.running.srt.state(this.socket) === CONNECTED;
  }

  async connects(): Promise<this> {
    await until(`${this.streamId} is connected`, () => this.isConnected());
    return this;
  }

  get rejectReason(): number {
    return this.running.srt.rejectReason(this.socket);
  }

  drop(): Promise<void> {
    this.end();
    return this.released;
  }

  private woken(): void {
    const { srt } = this.running;
    if (this.options.deaf !== true) {
      for (let i = 0; i < 64; i++) {
        const length = srt.receive(this.socket, packet, packet.length);
        if (length <= 0) break;
        this.received += length;
        if (this.packets.length < 100) this.packets.push(Buffer.from(packet.subarray(0, length)));
      }
    }
    if (srt.state(this.socket) >= BROKEN) this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.sender);
    this.reason = this.rejectReason;
    this.running.loop.remove(this.socket);
    this.running.srt.close(this.socket);
    void this.engine.release().then(this.onReleased);
  }

  /** libsrt's reason, when it was turned away. */
  reason = 0;
}
