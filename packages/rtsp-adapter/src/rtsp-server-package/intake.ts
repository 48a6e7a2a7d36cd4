import type { Socket } from 'node:net';
import type { RtspParser } from '../protocol/parser.js';
import type { PackageDecoder, PackageResponse } from './shapes.js';

/** The most requests that an app may have without having responded. */
const MAX_UNANSWERED = 16;

const intakes = new WeakMap<Socket, Intake>();

/** The intake of a connection whose requests come through the guard. */
export const intakeOf = (socket: Socket): Intake | undefined => intakes.get(socket);

/**
 * Admits one request after the other, and limits how many are being answered: neither the package nor an app bounds what is
 * waiting. While it is shut, the parser accepts 64 KiB.
 */
export class Intake {
  private isDeciding = false;
  private isDecoderFull = false;
  private unanswered = 0;
  private isShut = false;

  constructor(
    private readonly parser: RtspParser,
    private readonly socket: Socket,
    private readonly decoder: PackageDecoder,
    /** Runs the parser and handles its errors. */
    private readonly read: (run: () => void) => void,
  ) {
    intakes.set(socket, this);
    socket.on('drain', this.look);
    decoder.on('drain', () => {
      this.isDecoderFull = false;
      this.look();
    });
  }

  /** Passes one request on to the package. */
  hand(bytes: Buffer): void {
    // It waits for the app to read the body, which the app may never do.
    this.isDecoderFull = !this.decoder.write(bytes);
    this.look();
  }

  /** The verdict on a request is pending. */
  deciding(): void {
    this.isDeciding = true;
    this.look();
  }

  decided(): void {
    this.isDeciding = false;
    this.look();
  }

  /** The app has it now. */
  passedOn(response: PackageResponse): void {
    this.unanswered++;
    response.once('finish', () => {
      this.unanswered--;
      this.look();
    });
  }

  private readonly look = (): void => {
    const { isDeciding, isDecoderFull, unanswered, socket, isShut: wasShut } = this;
    // A client that does not read its responses gets no further ones.
    this.isShut = isDeciding || isDecoderFull || unanswered >= MAX_UNANSWERED || socket.writableNeedDrain;
    if (this.isShut) this.parser.hold();
    // Last, because it may find another request, which shuts this again.
    else if (wasShut) this.read(() => this.parser.resume());
  };
}
