import { atOnce } from '@stream-sessions/core/spi';
import { StreamSessionsError } from '@stream-sessions/core';
import { ADDRESS_BYTES, decodeAddress, encodeAddress, type SrtAddress } from './address.js';
import type { SrtListener, SrtListenOptions, SrtHandshakeFilter, SrtSocket } from './binding.js';
import { ERR, IN, Option, UNIT_BYTES } from './constants.js';
import type { Engine, Running } from './engine.js';
import { Reject } from '../protocol/reject.js';
import { warnOfFault } from '../warn.js';
import { LibsrtSocket, setInt, setText } from './socket.js';

/** Callers that may wait to be accepted; beyond this, libsrt refuses them. */
const BACKLOG = 1024;

const address = Buffer.allocUnsafeSlow(ADDRESS_BYTES);
const addressLength = new Int32Array(1);

/** A listening socket of libsrt. The library keeps running until it and all its connections are closed. */
export class LibsrtListener implements SrtListener {
  readonly address: SrtAddress;
  private readonly running: Running;
  private readonly socket: number;
  private readonly open = new Set<LibsrtSocket>();
  private closing: Promise<void> | undefined = undefined;
  private endScreen: (() => void) | undefined = undefined;
  private onEmpty: (() => void) | undefined = undefined;

  constructor(
    private readonly engine: Engine,
    options: SrtListenOptions,
    private readonly onSocket: (socket: SrtSocket) => void,
  ) {
    this.running = engine.acquire();
    this.socket = this.running.srt.createSocket();
    try {
      this.configure(options);
      this.bind(options);
    } catch (error) {
      this.running.srt.close(this.socket);
      this.endScreen?.();
      void engine.release();
      throw error;
    }
    addressLength[0] = ADDRESS_BYTES;
    this.running.srt.localAddress(this.socket, address, addressLength);
    this.address = decodeAddress(address);
    this.running.loop.add(this.socket, IN | ERR, this.accept);
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private configure({ passphrase, latencyMs, peerIdleTimeoutMs, maxBufferBytes, host }: SrtListenOptions): void {
    const { running, socket } = this;
    // set before it listens: every connection inherits them
    setInt(running, socket, Option.sendSync, 0);
    setInt(running, socket, Option.receiveSync, 0);
    setInt(running, socket, Option.latency, latencyMs);
    setInt(running, socket, Option.sendBuffer, maxBufferBytes);
    // in this order; a window larger than the buffer is useless, and takes memory for every connection
    setInt(running, socket, Option.flowWindow, Math.ceil(maxBufferBytes / UNIT_BYTES));
    setInt(running, socket, Option.receiveBuffer, maxBufferBytes);
    setInt(running, socket, Option.peerIdleTimeout, peerIdleTimeoutMs);
    if (host.includes(':')) setInt(running, socket, Option.ipv6Only, host === '::' ? 0 : 1);
    if (passphrase !== undefined && setText(running, socket, Option.passphrase, passphrase) < 0) {
      throw this.failed('libsrt does not take this passphrase');
    }
  }

  private bind({ host, port, screen }: SrtListenOptions): void {
    const { srt } = this.running;
    const bytes = encodeAddress(host, port);
    if (screen !== undefined) this.endScreen = srt.screen(this.socket, (...caller) => this.screened(screen, ...caller));
    if (srt.bind(this.socket, bytes, bytes.length) < 0 || srt.listen(this.socket, BACKLOG) < 0) {
      throw this.failed(`UDP port ${port} of ${host} cannot be listened on`);
    }
  }

  private failed(what: string): StreamSessionsError {
    const reason = this.running.srt.lastErrorText();
    return new StreamSessionsError(
      'ERR_SRT_LISTEN',
      `${what}: ${reason}. Is the port free, and the address this machine's?`,
    );
  }

  /** One at a time, so that connections with packets waiting need not wait for many new callers. */
  private readonly accept = (): boolean => {
    addressLength[0] = ADDRESS_BYTES;
    const socket = this.running.srt.accept(this.socket, address, addressLength);
    if (socket < 0) return false;
    const connection = new LibsrtSocket(this.running, socket, address, (over) => this.left(over));
    this.open.add(connection);
    // It is watched by now, so a break is either reported, or seen here: it hung up before it was accepted.
    if (connection.isBroken) connection.close();
    else this.onSocket(connection);
    return true;
  };

  private screened(screen: SrtHandshakeFilter, socket: number, peer: Buffer, streamId: string): 0 | -1 {
    const { srt } = this.running;
    const { address: remoteAddress, port: remotePort } = decodeAddress(peer);
    let code: number | undefined = Reject.serverError;
    try {
      code =
        this.closing === undefined
          ? atOnce(screen({ streamId, remoteAddress, remotePort }), 'screen()')
          : Reject.closed;
    } catch (error) {
      warnOfFault(error);
    }
    if (code === undefined) return 0;
    // codes below 1000 are libsrt's own
    srt.setRejectReason(socket, code >= 1000 ? code : Reject.forbidden);
    return -1;
  }

  private left(socket: LibsrtSocket): void {
    this.open.delete(socket);
    if (this.open.size === 0) this.onEmpty?.();
  }

  private async end(): Promise<void> {
    const { srt, loop } = this.running;
    loop.remove(this.socket);
    // Not here: a thread of libsrt may hold the listener while it waits for this thread to screen a caller.
    await new Promise<void>((done) => srt.closeLater(this.socket, done));
    this.endScreen?.();
    if (this.open.size > 0) await new Promise<void>((resolve) => (this.onEmpty = resolve));
    await this.engine.release();
  }
}
