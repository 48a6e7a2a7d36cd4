import type { CloseReason } from '@stream-sessions/core';
import type { RtspClient } from './client.js';
import { LET_IN, type Answer, type Gate, type Pass, type Visitor } from './gate.js';

/** All gates of a server: who is to come in, passes each of them, one after the other. */
export class Doors {
  private readonly gates = new Set<Gate>();

  /** @param ownGate Asked when there is no other. */
  constructor(private readonly ownGate: Gate) {}

  add(gate: Gate): void {
    this.gates.add(gate);
  }

  delete(gate: Gate): void {
    this.gates.delete(gate);
  }

  admit(visitor: Visitor, client: RtspClient): Pass {
    const [first = this.ownGate, ...others] = this.gates;
    return others.length === 0 ? first.admit(visitor, client) : new Passes([first, ...others], visitor, client);
  }
}

class Passes implements Pass {
  readonly answer: Promise<Answer>;
  private readonly passes: Pass[] = [];
  private left = false;

  constructor(gates: readonly Gate[], visitor: Visitor, client: RtspClient) {
    this.answer = this.askAll(gates, visitor, client);
  }

  leave(reason?: CloseReason): void {
    this.left = true;
    for (const pass of this.passes) pass.leave(reason);
  }

  private async askAll(gates: readonly Gate[], visitor: Visitor, client: RtspClient): Promise<Answer> {
    for (const gate of gates) {
      if (this.left) break;
      const pass = gate.admit(visitor, client);
      this.passes.push(pass);
      const answer = await pass.answer;
      if (answer.admitted) continue;
      // Those who had said yes give back what they reserved.
      this.leave();
      return answer;
    }
    return LET_IN;
  }
}
