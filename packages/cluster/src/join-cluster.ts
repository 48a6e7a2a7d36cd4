import { hostname } from 'node:os';
import {
  StreamSessionsError,
  type Clock,
  type Logger,
  type PlaySession,
  type SessionTracker,
} from '@stream-sessions/core';
import {
  badOption,
  checkClock,
  checkMethods,
  checkOptions,
  clusterPort,
  consoleLogger,
  hasMethods,
  nextTurn,
  systemClock,
} from '@stream-sessions/core/spi';
import { ClusterTime } from './directory/cluster-time.js';
import type { ClusterDirectory } from './directory/cluster-directory.js';
import { ClusterEvents } from './directory/cluster-events.js';
import { Handovers } from './directory/handovers.js';
import { NodeAnswers } from './directory/node-answers.js';
import { NodesAsOne } from './directory/nodes-as-one.js';
import { OperatorWords } from './directory/operator-words.js';
import { ReplacedCheck } from './operator/replaced-check.js';
import { VisitKeeper } from './directory/visit-keeper.js';
import { Claimer } from './directory/claimer.js';
import { whileAwaited } from './link/awake.js';
import type { ClusterLink } from './link/link.js';
import { Member } from './member.js';
import { FORMAT } from './membership/format.js';
import { ClusterSlots } from './slots/cluster-slots.js';
import type { OnHappened } from './visits/outbox.js';
import { LiveCounts } from './visits/live-counts.js';
import { VisitBook } from './visits/visit-book.js';
import { VisitSweep } from './visits/visit-sweep.js';
import { EventsEverywhere } from './watch/events-everywhere.js';
import { Publisher } from './watch/publisher.js';
import { Source } from './watch/source.js';

/** Options of {@link joinCluster}. */
export interface ClusterOptions {
  /** How the nodes reach each other: `redisLink(client)`. */
  via: ClusterLink;
  /** The name of this node in lists; at most 64 characters. Default: the host name and the process id. */
  name?: string | undefined;
  /**
   * What happens to newcomers while the cluster cannot be asked: `local` decides as a single node does, `refuse` answers 503.
   * Viewers known here play on. Default `local`.
   */
  whenAlone?: 'local' | 'refuse' | undefined;
  /** How long a newcomer's first request waits for the cluster, in milliseconds, at most 10,000. Default 250. */
  timeLimitMs?: number | undefined;
  /**
   * How long a node that is not heard from counts as a member, in milliseconds, from 1,000 to 86,400,000. The lease is renewed
   * three times within that. Default 10,000.
   */
  leaseMs?: number | undefined;
  /** Default: the wall clock. */
  clock?: Clock | undefined;
  /** Default: warnings and errors to stderr. */
  logger?: Logger | undefined;
}

/** What a node announces when it has joined, and, before its incarnation, when it leaves. */
const JOINED = 'N';
const LEAVES = 'G';
/** Trackers that are in a cluster. */
const joined = new WeakSet<SessionTracker>();
const MAX_DENIALS = 100_000;
/** A day: for longer, Redis does not keep the leases themselves. Milliseconds. */
const LONGEST_LEASE_MS = 86_400_000;

/**
 * Makes a tracker one of the nodes of a cluster: a visitor whose requests come to several of them is one row with one id, and is
 * kicked, denied and counted as one.
 *
 * @returns resolves when it has joined; until then, and whenever the cluster cannot be reached, newcomers are treated as
 *   `whenAlone` says
 * @throws StreamSessionsError ERR_CLUSTER_KEY (as a rejection) if the tracker has no `fingerprintKey`, ERR_CLUSTER_CONFIG (as a
 *   rejection) if it is not configured like the nodes that live, ERR_CLUSTER_LINK (as a rejection) if the link is closed before it
 *   has joined, or if Redis refuses this client (a wrong password, a Redis Cluster with another client), ERR_BAD_OPTION (as a rejection)
 */
export function joinCluster(tracker: SessionTracker, options: ClusterOptions): Promise<ClusterDirectory> {
  return whileAwaited(join(tracker, options));
}

async function join(tracker: SessionTracker, options: ClusterOptions): Promise<ClusterDirectory> {
  const parts = read(tracker, options);
  if (joined.has(tracker)) throw badOption('the tracker', 'one that is in no cluster; leave() that one first', tracker);
  joined.add(tracker);
  const { port, logger, clock, name, whenAlone, timeLimitMs, leaseMs, via, keyId } = parts;
  const words = new OperatorWords(
    () => member,
    port,
    logger,
    (ending) => void keeper.endHere(ending),
    (id) => slots.chosenOpenedAt(id),
  );
  // if this is not heard, the next renewal shows it
  const announce = (): Promise<unknown> => member.log.say(JOINED).catch(() => undefined);
  let announced: Promise<unknown> | undefined;
  const member: Member = new Member({
    ...{ link: via, clock, logger, name, leaseMs, renewMs: Math.floor(leaseMs / 3.3), maxEntries: MAX_DENIALS },
    config: { ...port.identity, fingerprintKey: keyId, format: FORMAT },
    onSaid: (body) => {
      if (body === JOINED) void membership.lookAgain().then(() => everywhere.joined());
      else if (body.startsWith(LEAVES)) membership.nodes.forget(body.slice(LEAVES.length));
      else words.heard(body);
    },
    onTable: (portions) => words.table(portions),
    // Its old leases now belong to others: it claims its visits again.
    onJoined: async () => {
      const swept = membership.stalls.take();
      setImmediate(() => void claimer.joined(swept));
      void slots.claim();
      announced = nextTurn().then(announce);
    },
    onRenewed: () => void book.latest.look(),
    sweep: (bucket, dead) => sweep.slice(bucket, dead),
    hasLeft: async (bucket) => keeper.hasSettled && (await book.hasLeft(bucket)),
  });
  const { membership } = member;
  const time = new ClusterTime(clock, () => membership.nodes.clockOffsetMs);
  const rowOf = (id: string): PlaySession | undefined => {
    const row = tracker.get(id);
    return row && time.row(row);
  };
  const counts = new LiveCounts(membership, clock);
  const events = new ClusterEvents({ tracker, rowOf, port, clock, logger, counts, now: () => membership.nodes.now() });
  const happened: OnHappened = (...all) => keeper.happened(...all);
  const onCounted: LiveCounts['note'] = (bucket, about, change) => counts.note(bucket, about, change);
  const book = new VisitBook(membership, clock, logger, happened, onCounted);
  const live = () => tracker.stats().active;
  const handovers = new Handovers({ clock, logger, live, onHandover: () => port.handedOver() });
  const sweep = new VisitSweep(membership, book.outbox, happened);
  const keeper: VisitKeeper = new VisitKeeper({
    ...{ port, member, book, clock, time, words, whenAlone, timeLimitMs },
    rowOf,
    onOpened: (row, told) => events.opened(row, told),
    onHandover: () => handovers.add(),
    onClosed: (row, told) => {
      words.visitsReplaced.ended(row.id, row.closeReason);
      events.closed(row, told);
    },
  });
  const answers = new NodeAnswers({ tracker, port, words, clock, time, name });
  answers.answerIn(member);
  const source = new Source(events, port, time, name);
  const publisher = new Publisher(membership, clock, source);
  member.mailbox.on('watch', (channel) => publisher.watch(channel as string));
  member.mailbox.on('unwatch', (channel) => {
    publisher.unwatch(channel as string);
    return true;
  });
  const everywhere = new EventsEverywhere({
    ...{ link: via, member, clock, logger, source, counts },
    hash: (text) => port.hash(text),
  });
  const slots: ClusterSlots = new ClusterSlots({
    ...{ member, port, clock, leaseMs, whenAlone },
    openedAtOf: (id) => keeper.openedAtOf(id),
  });
  const check = new ReplacedCheck(member, words.visitsReplaced, port, clock);
  const claimer: Claimer = new Claimer({ member, clock, keeper, latest: book.latest, leaseMs });
  const leavePort = port.join(keeper);
  keeper.begin();
  // a second time it would leave the cluster that its tracker may be in by then
  let leaving: Promise<void> | undefined;
  const leave = (): Promise<void> => (leaving ??= leaveNow());
  const leaveNow = async (): Promise<void> => {
    claimer.stop();
    check.stop();
    leavePort();
    slots.stop();
    counts.stop();
    handovers.stop();
    await everywhere.stop();
    await keeper.letGoOfAll();
    words.visitsReplaced.liftAll();
    publisher.stop();
    await events.close();
    await book.flushed();
    // if this is not heard, the next renewal shows it
    if (!keeper.isAlone) await member.log.say(LEAVES + membership.incarnation).catch(() => undefined);
    await member.leave();
    book.stop();
    joined.delete(tracker);
  };
  try {
    await member.join();
    await announced;
  } catch (error) {
    await leave();
    throw error;
  }
  return new NodesAsOne({
    tracker,
    port,
    name,
    clock,
    member,
    words,
    events,
    everywhere,
    answers,
    counts,
    slots,
    onLeave: () => whileAwaited(leave()),
  });
}

function read(tracker: SessionTracker, options: ClusterOptions) {
  checkOptions('joinCluster()', options, ['via', 'name', 'whenAlone', 'timeLimitMs', 'leaseMs', 'clock', 'logger']);
  const { via, whenAlone = 'local', timeLimitMs = 250, leaseMs = 10_000 } = options;
  const { name = usualName(), clock = systemClock, logger = consoleLogger } = options;
  if (!hasMethods(via, ['run', 'follow', 'close'])) throw badOption('via', 'a link, such as redisLink(client)', via);
  if (typeof name !== 'string' || name === '' || name.length > 64) throw badOption('name', '1 to 64 characters', name);
  if (whenAlone !== 'local' && whenAlone !== 'refuse') throw badOption('whenAlone', '"local" or "refuse"', whenAlone);
  if (typeof timeLimitMs !== 'number' || !(timeLimitMs > 0 && timeLimitMs <= 10_000)) {
    throw badOption('timeLimitMs', 'above 0, to 10,000', timeLimitMs);
  }
  if (typeof leaseMs !== 'number' || !(leaseMs >= 1_000 && leaseMs <= LONGEST_LEASE_MS)) {
    throw badOption('leaseMs', 'a number from 1,000 to 86,400,000', leaseMs);
  }
  checkClock(clock);
  checkMethods('logger', logger, ['debug', 'info', 'warn', 'error']);
  const port = clusterPort(tracker);
  if (port.isStopped) throw badOption('the tracker', 'one that has not been stopped', tracker);
  const { keyId } = port;
  if (keyId === undefined) {
    throw new StreamSessionsError(
      'ERR_CLUSTER_KEY',
      'Nodes of a cluster recognise viewers by hashes with the same key. Give each tracker the same fingerprintKey.',
    );
  }
  return { via, name, whenAlone, timeLimitMs, leaseMs, clock, logger, port, keyId };
}

/** Two processes of one host differ, however long its name is. */
function usualName(): string {
  const end = `-${process.pid}`;
  return `${hostname().slice(0, 64 - end.length)}${end}`;
}
