import type { Clock, Logger } from '@stream-sessions/core';
import { wordsOf } from './errors.js';
import type { ClusterLink, Follower } from './link/link.js';
import { ClusterLog, type ClusterLogParts } from './log/cluster-log.js';
import { LOG } from './log/log-steps.js';
import { inboxOf, Mailbox } from './mailbox/mailbox.js';
import { Membership } from './membership/membership.js';
import type { ClusterNode } from './membership/node-list.js';

export interface MemberParts {
  readonly link: ClusterLink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly name: string;
  /** What must be equal on all nodes, by option name. */
  readonly config: Readonly<Record<string, string>>;
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly maxEntries: number;
  readonly onSaid: (body: string) => void;
  readonly onTable: ClusterLogParts['onTable'];
  /** Runs before anything is admitted; the log has been read by then. */
  readonly onJoined?: () => Promise<void>;
  /** Called after each renewal. */
  readonly onRenewed?: () => void;
  readonly sweep?: (bucket: number, dead: string) => Promise<boolean>;
  /** Called when it leaves: see `MembershipParts`. */
  readonly hasLeft?: (bucket: number) => Promise<boolean>;
}

/** Anyone may lose a connection for a moment: it is warned of at the second renewal in a row. */
const DEAF_AT = 2;

/** A process in the cluster: its lease, the log that it follows, and the questions of others. */
export class Member {
  readonly membership: Membership;
  readonly log: ClusterLog;
  readonly mailbox: Mailbox;
  private follower: Follower | undefined;
  /** Renewals in a row at which it could not read the channels. */
  private deafFor = 0;

  constructor(private readonly parts: MemberParts) {
    const { link, clock, maxEntries, onSaid, onTable } = parts;
    this.membership = new Membership({
      ...parts,
      onJoined: () => this.listen(),
      // if this fails, the next renewal checks again
      onRenewed: () => {
        void this.log.check().catch(() => undefined);
        this.warnIfDeaf();
        this.mailbox.giveUpGone();
        parts.onRenewed?.();
      },
    });
    const rewind = (): void => this.follower?.rewind(LOG);
    this.log = new ClusterLog({ link, membership: this.membership, maxEntries, onSaid, onTable, rewind });
    this.mailbox = new Mailbox(this.membership, clock);
    this.mailbox.on('reached', async (n) => this.log.reached(Number(n)).then(() => true));
  }

  /** Whether it may speak for a bucket now: read before each opening. */
  holds(bucket: number): boolean {
    return this.membership.holds(bucket);
  }

  join(): Promise<void> {
    return this.membership.join();
  }

  async leave(): Promise<void> {
    await this.membership.leave();
    await this.follower?.stop();
  }

  /** Steps may work where the second connection does not: then the check at each renewal is all that it hears of the log. */
  private warnIfDeaf(): void {
    const error = this.follower?.failure;
    this.deafFor = error === undefined ? 0 : this.deafFor + 1;
    if (this.deafFor !== DEAF_AT) return;
    const late = 'it hears of denials late, and may not answer questions';
    this.parts.logger.warn(
      { error },
      `cluster: this process cannot read what others say, so ${late}: ${wordsOf(error)}.`,
    );
  }

  /**
   * Anything said from now on comes through the channel, and everything in force is in the table, so nothing is missed in
   * between.
   */
  private async listen(): Promise<void> {
    await this.follower?.stop();
    const inbox = { name: inboxOf(this.membership.incarnation), isOwn: true };
    this.follower = await this.parts.link.follow([{ name: LOG }, inbox], (channel, texts) => {
      if (channel === LOG) this.log.heard(texts);
      else this.mailbox.received(texts);
    });
    this.mailbox.giveUpGone();
    await this.log.begin();
    await this.parts.onJoined?.();
  }
}

/** The living nodes whose incarnations begin like this. */
export function holdersOf({ membership }: Member, holders: readonly string[]): readonly ClusterNode[] {
  return membership.nodes
    .living()
    .filter(({ incarnation }) => holders.some((holder) => incarnation.startsWith(holder)));
}
