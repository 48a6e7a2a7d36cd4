import type { Socket } from 'node:net';
import type { RtspParser } from '../protocol/parser.js';
import type { PackageDecoder, PackageResponse } from './shapes.js';

/** Requests that an app may have and has not answered yet. */
const MAX_UNANSWERED = 16;

const intakes = new WeakMap<Socket, Intake>();

/** That of a connection whose requests come through the guard. */
export const intakeOf = (socket: Socket): Intake | undefined => intakes.get(socket);

/**
 * Lets in one request after the other, and no more of them than are being answered: neither the package nor an app bounds what
 * waits. While it is shut, the parser takes 64 KiB.
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
    /** Runs the parser, and bears what it throws. */
    private readonly read: (run: () => void) => void,
  ) {
    intakes.set(socket, this);
    socket.on('drain', this.look);
    decoder.on('drain', () => {
      this.isDecoderFull = false;
      this.look();
    });
  }

  /** Gives one request to the package. */
  hand(bytes: Buffer): void {
    // It waits for the app to read the body, and the app may never do.
    this.isDecoderFull = !this.decoder.write(bytes);
    this.look();
  }

  /** The verdict about a request is awaited. */
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
    const { isDeciding, isDecoderFull, unanswered, socket } = this;
    // A client that does not read its answers is not asked for the next question.
    const isShut = isDeciding || isDecoderFull || unanswered >= MAX_UNANSWERED || socket.writableNeedDrain;
    if (isShut) this.parser.hold();
    else if (this.isShut) this.read(() => this.parser.resume());
    this.isShut = isShut;
  };
}
