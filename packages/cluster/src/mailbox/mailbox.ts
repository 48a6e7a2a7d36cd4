import { randomUUID } from 'node:crypto';
import { StreamSessionsError, type Clock } from '@stream-sessions/core';
import { nextTurn } from '@stream-sessions/core/spi';
import { whileAwaited } from '../link/awake.js';
import { LOG_BUCKET } from '../link/link.js';
import { leased } from '../membership/leased.js';
import type { Membership } from '../membership/membership.js';
import type { ClusterNode } from '../membership/node-list.js';

/** How many messages wait for a node that does not read, and for how long: by then the asker has given up. */
const LENGTH = 1_000;
const KEEP_MS = 60_000;

/** Appends a text to each inbox. KEYS: leases, inboxes. ARGV: incarnation, their texts. */
const POST = leased(
  'post',
  `
for i = 2, #KEYS do
  redis.call('XADD', KEYS[i], 'MAXLEN', '~', ${LENGTH}, '*', 'd', ARGV[i])
  redis.call('PEXPIRE', KEYS[i], ${KEEP_MS})
end
return #KEYS - 1`,
);

/** The channel of a node. */
export const inboxOf = (incarnation: string): string => `inbox-${incarnation}`;

interface Message {
  readonly from: string;
  readonly id: string;
  /** The kind of question; absent in an answer. */
  readonly ask?: string;
  readonly body?: unknown;
  /** The node that was asked could not answer. */
  readonly failed?: true;
}

const NO_ANSWER = { failed: true } as const;

/** The answers of several nodes to one question. */
export interface Answers<T> {
  readonly answers: readonly { readonly node: ClusterNode; readonly answer: T }[];
  /** Nodes that have not answered in time, or could not. */
  readonly missing: readonly ClusterNode[];
}

interface Question {
  /** As whom this node has asked: what it is answered goes there. */
  readonly asker: string;
  readonly waitsFor: Set<string>;
  readonly answers: Map<string, unknown>;
  readonly done: (error?: StreamSessionsError) => void;
}

export type Answerer = (body: unknown) => unknown;

/** Questions between nodes: sent to some of them, with an answer from each, within a time limit. */
export class Mailbox {
  private readonly questions = new Map<string, Question>();
  private readonly answerers = new Map<string, Answerer>();
  /** Messages sent in one turn of the event loop go together, per inbox. */
  private outbox = new Map<string, string[]>();
  private sending: Promise<void> | undefined;

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
  ) {}

  /** Answers questions of this kind: JSON to JSON, of which nothing is changed later. Call it before the first join. */
  on(ask: string, answerer: Answerer): void {
    this.answerers.set(ask, answerer);
  }

  /**
   * Asks these nodes, possibly including this one, which answers without a message. Nodes that cannot be reached, or cannot answer,
   * are missing.
   *
   * @throws StreamSessionsError (as a rejection) as this node does: the question is wrong
   */
  async ask<T>(nodes: readonly ClusterNode[], ask: string, body: unknown, timeoutMs: number): Promise<Answers<T>> {
    const id = randomUUID();
    const answers = new Map<string, unknown>();
    const asked = new Promise<void>((resolve, reject) => {
      const timer = this.clock.setTimeout(resolve, timeoutMs);
      const done = (error?: StreamSessionsError): void => {
        this.clock.clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
      if (nodes.length === 0) return done();
      const from = this.membership.incarnation;
      const waitsFor = new Set(nodes.map(({ incarnation }) => incarnation));
      const others = [...waitsFor].filter((incarnation) => incarnation !== from);
      this.questions.set(id, { asker: from, waitsFor, answers, done });
      const failed = (incarnation: string): void => this.answered({ from: incarnation, id, failed: true });
      if (others.length < waitsFor.size) {
        this.answerTo(ask, body).then(
          (answer) => this.answered({ from, id, ...answer }),
          (error: unknown) => (error instanceof StreamSessionsError ? done(error) : failed(from)),
        );
      }
      if (others.length > 0) this.post(others, { from, id, ask, body }).catch(() => others.forEach(failed));
    });
    await whileAwaited(asked).finally(() => this.questions.delete(id));
    return {
      answers: nodes.flatMap((node) =>
        answers.has(node.incarnation) ? [{ node, answer: answers.get(node.incarnation) as T }] : [],
      ),
      missing: nodes.filter(({ incarnation }) => !answers.has(incarnation)),
    };
  }

  /** Called by the follower of the inbox. */
  received(texts: readonly string[]): void {
    for (const message of texts.flatMap((text) => JSON.parse(text) as Message[])) {
      if (message.ask === undefined) this.answered(message);
      else void this.answer(message, message.ask);
    }
  }

  /**
   * Called when the nodes have been looked up. Those that have ended or joined anew do not answer, and neither does anyone whom this
   * node asked before it joined anew: who asked need not wait until the time is up.
   */
  giveUpGone(): void {
    const { nodes, incarnation } = this.membership;
    const known = new Set(nodes.latest().map((node) => node.incarnation));
    for (const [id, { asker, waitsFor }] of this.questions) {
      for (const from of [...waitsFor]) {
        const mayAnswer = from === asker || (asker === incarnation && known.has(from));
        if (!mayAnswer) this.answered({ from, id, failed: true });
      }
    }
  }

  private answered({ id, from, body, failed }: Message): void {
    const question = this.questions.get(id);
    if (!question?.waitsFor.delete(from)) return;
    if (failed === undefined) question.answers.set(from, body);
    if (question.waitsFor.size === 0) question.done();
  }

  private async answer({ id, from, body }: Message, ask: string): Promise<void> {
    // the asker notices that there is no answer
    const answer = await this.answerTo(ask, body).catch(() => NO_ANSWER);
    await this.post([from], { from: this.membership.incarnation, id, ...answer }).catch(() => undefined);
  }

  private async answerTo(ask: string, body: unknown): Promise<Pick<Message, 'body' | 'failed'>> {
    const answer = await this.answerers.get(ask)?.(body);
    return answer === undefined ? NO_ANSWER : { body: answer };
  }

  private post(to: readonly string[], message: Message): Promise<void> {
    const text = JSON.stringify(message);
    for (const inbox of to.map(inboxOf)) {
      const waiting = this.outbox.get(inbox);
      if (waiting === undefined) this.outbox.set(inbox, [text]);
      else waiting.push(text);
    }
    this.sending ??= nextTurn().then(() => this.send());
    return this.sending;
  }

  private async send(): Promise<void> {
    const { outbox } = this;
    this.outbox = new Map();
    this.sending = undefined;
    const texts = [...outbox.values()].map((waiting) => `[${waiting.join()}]`);
    await this.membership.run(POST, LOG_BUCKET, [...outbox.keys()], texts);
  }
}
