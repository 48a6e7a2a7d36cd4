import type { CloseReason } from '@stream-sessions/core';
import type { RtspClient } from './rtsp-client.js';
import { ADMITTED, type Answer, type Authorizer, type Authorization, type Client } from './authorizer.js';

/** All authorizers of a server: a client is admitted once each of them, in turn, has approved. */
export class Authorizers {
  private readonly authorizers = new Set<Authorizer>();

  /** @param fallback Asked if there is no other. */
  constructor(private readonly fallback: Authorizer) {}

  /** There is only the fallback. */
  get isEmpty(): boolean {
    return this.authorizers.size === 0;
  }

  add(authorizer: Authorizer): void {
    this.authorizers.add(authorizer);
  }

  delete(authorizer: Authorizer): void {
    this.authorizers.delete(authorizer);
  }

  authorize(client: Client, asked: RtspClient): Authorization {
    const [first = this.fallback, ...others] = this.authorizers;
    return others.length === 0
      ? first.authorize(client, asked)
      : new JointAuthorization([first, ...others], client, asked);
  }
}

class JointAuthorization implements Authorization {
  readonly answer: Promise<Answer>;
  private readonly authorizations: Authorization[] = [];
  private left = false;

  constructor(authorizers: readonly Authorizer[], client: Client, asked: RtspClient) {
    this.answer = this.askAll(authorizers, client, asked);
  }

  close(reason?: CloseReason): void {
    this.left = true;
    for (const authorization of this.authorizations) authorization.close(reason);
  }

  private async askAll(authorizers: readonly Authorizer[], client: Client, asked: RtspClient): Promise<Answer> {
    for (const authorizer of authorizers) {
      if (this.left) break;
      const authorization = authorizer.authorize(client, asked);
      this.authorizations.push(authorization);
      const answer = await authorization.answer;
      if (answer.admitted) continue;
      // Those that had approved release what they reserved.
      this.close();
      return answer;
    }
    return ADMITTED;
  }
}
