import type { CloseReason } from '@stream-sessions/core';
import type { Flow } from '@stream-sessions/core/spi';
import type { RtspClient } from '../door/client.js';
import type { Doors } from '../door/doors.js';
import type { Answer, Pass, Visitor } from '../door/gate.js';
import { MediaFlows } from '../door/media-flow.js';
import type { Socket } from 'node:net';

/** Who has asked to play or publish one stream, from then on until it does not want to any more. */
export class Guest implements Visitor {
  readonly flows: MediaFlows;
  private pass: Pass | undefined = undefined;
  private farewell: { reason: CloseReason | undefined } | undefined = undefined;

  constructor(
    readonly client: RtspClient,
    /** The Authorization header it came with. */
    readonly authorization: string | undefined,
    socket: Socket,
    private readonly cut: (reason: CloseReason) => void,
  ) {
    this.flows = new MediaFlows(socket);
  }

  ask(doors: Doors): Answer | Promise<Answer> {
    this.pass = doors.admit(this);
    // Cut by somebody who heard of it as it opened.
    if (this.farewell !== undefined) this.pass.leave(this.farewell.reason);
    return this.pass.answer;
  }

  leave(reason?: CloseReason): void {
    this.farewell ??= { reason };
    this.pass?.leave(reason);
  }

  flow(): Flow {
    return this.flows.flow();
  }

  sever(reason: CloseReason): void {
    this.cut(reason);
  }
}
