import type { Clock, CloseReason } from '@stream-sessions/core';
import { isPromise, samplerOf, type Registration, type SampledConnection } from '@stream-sessions/core/spi';
import type { RtspClient } from './rtsp-client.js';
import { ADMITTED, type Answer, type Authorizer, type Authorization, type Client } from './authorizer.js';
import { warnOfFault } from '../warn.js';

/** A refusal in RTSP's terms. */
export interface RtspRefusal {
  /** 401 asks for credentials, 453 is over a limit, 503 is overload. Default 403. */
  readonly status?: 401 | 403 | 453 | 503 | undefined;
  /** Sent to the client after the standard phrase. */
  readonly reason?: string | undefined;
}

/** Decides who may play or publish without a tracker. Throwing or rejecting means refusal. */
export type RtspAuthorize = (client: RtspClient) => boolean | RtspRefusal | Promise<boolean | RtspRefusal>;

/** Nobody keeps the books of these; the sampler only cuts clients that stall. */
const NOBODY: SampledConnection['handle'] = {
  onCut: () => undefined,
  touch: () => undefined,
  addReceived: () => undefined,
  close: () => undefined,
};

/** The authorizer of a server without a tracker: calls `authorize`, if given. */
export class CallbackAuthorizer implements Authorizer {
  constructor(
    private readonly callback: RtspAuthorize | undefined,
    private readonly stallTimeoutMs: number,
    private readonly clock: Clock | undefined,
  ) {}

  authorize(client: Client, asked: RtspClient): Authorization {
    return new CallbackAuthorization(client, this.ask(asked), (of) =>
      samplerOf(this.clock).add({
        handle: NOBODY,
        counters: of.counters(),
        stallTimeoutMs: this.stallTimeoutMs,
        destroy: (reason) => of.destroy(reason),
      }),
    );
  }

  private ask(client: RtspClient): Answer | Promise<Answer> {
    if (this.callback === undefined) return ADMITTED;
    try {
      const verdict = this.callback(client);
      return isPromise(verdict) ? Promise.resolve(verdict).then(answerOf, failed) : answerOf(verdict);
    } catch (error) {
      return failed(error);
    }
  }
}

class CallbackAuthorization implements Authorization {
  readonly answer: Answer | Promise<Answer>;
  private registration: Registration | undefined = undefined;
  private over = false;

  constructor(client: Client, answer: Answer | Promise<Answer>, sample: (client: Client) => Registration) {
    const noted = (given: Answer): Answer => {
      if (given.admitted && !this.over) this.registration = sample(client);
      return given;
    };
    this.answer = answer instanceof Promise ? answer.then(noted) : noted(answer);
  }

  close(reason?: CloseReason): void {
    this.over = true;
    this.registration?.close(reason);
  }
}

function answerOf(verdict: unknown): Answer {
  if (verdict === true) return ADMITTED;
  const { status = 403, reason = '' } = (typeof verdict === 'object' && verdict !== null ? verdict : {}) as RtspRefusal;
  const known = [401, 403, 453, 503].includes(status) ? status : 403;
  return { admitted: false, status: known, text: String(reason).slice(0, 200) };
}

function failed(error: unknown): Answer {
  warnOfFault(error);
  return { admitted: false, status: 500, text: '' };
}
