import { isUtf8 } from 'node:buffer';
import { decodeAddress } from './address.js';
import type { SrtSocket } from './binding.js';
import { BROKEN, EASYNCSND, ERR, IN, MAX_STREAM_ID_BYTES, Option, SECURED } from './constants.js';
import type { Running } from './engine.js';
import { versionText } from './libsrt-functions.js';
import type { SrtStatistics } from './statistics.js';

/** The number of packets read in one turn; a burst from one publisher must not keep the others waiting. */
const TURN = 32;

const packet = Buffer.allocUnsafeSlow(2048);
const value = Buffer.allocUnsafeSlow(MAX_STREAM_ID_BYTES + 4);
const valueLength = new Int32Array(1);

/** A connection of libsrt. Nothing here blocks: the library has its own threads, and its calls only access its buffers. */
export class LibsrtSocket implements SrtSocket {
  readonly streamId: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly peerVersion: string;
  readonly secure: boolean;
  /** Called when data has arrived, or may have. Returns true if it has not taken everything. */
  private onReadable: (() => boolean) | undefined = undefined;
  private gone: (() => void) | undefined = undefined;
  private dropped = 0;
  private open = true;

  constructor(
    private readonly running: Running,
    private readonly socket: number,
    peer: Buffer,
    private readonly onOver: (socket: LibsrtSocket) => void,
  ) {
    const { srt, loop } = running;
    setInt(running, socket, Option.sendSync, 0);
    setInt(running, socket, Option.receiveSync, 0);
    const { address, port } = decodeAddress(peer);
    this.remoteAddress = address;
    this.remotePort = port;
    this.peerVersion = versionText(getInt(running, socket, Option.peerVersion));
    this.secure = getInt(running, socket, Option.sendKeyState) === SECURED;
    valueLength[0] = value.length;
    const length = srt.getFlag(socket, Option.streamId, value, valueLength) < 0 ? 0 : valueLength[0];
    const text = value.subarray(0, length);
    this.streamId = isUtf8(text) ? text.toString() : undefined;
    loop.add(socket, ERR, this.woken);
  }

  /** It is gone, whether or not this was reported. */
  get isBroken(): boolean {
    return this.running.srt.state(this.socket) >= BROKEN;
  }

  send(data: Uint8Array): boolean {
    if (!this.open) return false;
    const { srt } = this.running;
    if (srt.send(this.socket, data, data.length, null) >= 0) return true;
    // A connection that has just broken is reported by the loop.
    if (srt.lastError(null) === EASYNCSND) this.dropped++;
    return false;
  }

  read(onPacket: (packet: Uint8Array) => void): void {
    this.watch(() => this.drain(onPacket));
  }

  expectSilence(onBroken: () => void): void {
    this.watch(() => {
      // Any received data counts, whether due or not: the caller determines its delay, up to a minute.
      if (getInt(this.running, this.socket, Option.receiveData) > 0) onBroken();
      return false;
    });
  }

  onClose(gone: () => void): void {
    this.gone = gone;
  }

  statistics(): SrtStatistics | undefined {
    if (!this.open) return undefined;
    const { srt, statistics } = this.running;
    return srt.statistics(this.socket, statistics.buffer, 0, 1) < 0 ? undefined : statistics.read(this.dropped);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.running.loop.remove(this.socket);
    this.running.srt.close(this.socket);
    this.onOver(this);
  }

  private readonly woken = (events: number): boolean => {
    const isBehind = (events & IN) !== 0 && this.onReadable?.() === true;
    if (!this.open || !(events & ERR) || !this.isBroken) return isBehind;
    this.close();
    this.gone?.();
    return false;
  };

  private watch(onReadable: () => boolean): void {
    if (!this.open) return;
    this.onReadable = onReadable;
    this.running.loop.change(this.socket, IN | ERR);
  }

  /** True if there may be more, because its turn is over. */
  private drain(onPacket: (packet: Uint8Array) => void): boolean {
    for (let i = 0; i < TURN && this.open; i++) {
      const length = this.running.srt.receive(this.socket, packet, packet.length);
      if (length <= 0) return false;
      onPacket(packet.subarray(0, length));
    }
    return this.open;
  }
}

export function setInt({ srt }: Running, socket: number, option: number, number: number): number {
  value.writeInt32LE(number, 0);
  return srt.setFlag(socket, option, value, 4);
}

export function setText({ srt }: Running, socket: number, option: number, text: string): number {
  const bytes = Buffer.from(text);
  return srt.setFlag(socket, option, bytes, bytes.length);
}

function getInt({ srt }: Running, socket: number, option: number): number {
  valueLength[0] = 4;
  return srt.getFlag(socket, option, value, valueLength) < 0 ? 0 : value.readInt32LE(0);
}
