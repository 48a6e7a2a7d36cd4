import {
  StreamSessionsError,
  type Clock,
  type KickedAt,
  type KickOptions,
  type PlaySession,
  type SessionFilter,
  type SessionTracker,
} from '@stream-sessions/core';
import { checkKickFilter, monotonic } from '@stream-sessions/core/spi';
import type { Member } from '../member.js';
import type { ClusterNode } from '../membership/node-list.js';
import type { KickAnswer } from './node-answers.js';

/** How long to wait for all nodes together. Milliseconds. */
const KICK_MS = 1_000;
/** The same for nodes that may have to end tens of thousands of sessions. Milliseconds. */
const KICK_ALL_MS = 10_000;

export interface KickParts {
  readonly tracker: SessionTracker;
  readonly member: Member;
  readonly clock: Clock;
  /** The name of this node. */
  readonly name: string;
}

/** Ends a visit on all nodes: see `ClusterDirectory.kick`. */
export async function kickEverywhere(parts: KickParts, id: string, options: KickOptions): Promise<false | KickedAt> {
  const { tracker, member, clock, name } = parts;
  const { mailbox, membership } = member;
  const begunAt = monotonic(clock);
  const asked = { id, options };
  const { answers, missing } = await mailbox.ask<KickAnswer>(membership.nodes.living(), 'kick', asked, KICK_MS);
  // No node can be asked, not even this one: the local part ends all the same.
  const isAsked = answers.some(({ node }) => node.incarnation === membership.incarnation);
  const isKickedHere = !isAsked && tracker.kick(id, options);
  const first = answers.find(({ answer }) => answer.kicked)?.answer;
  if (first === undefined && !isKickedHere) {
    if (missing.length > 0 || !isAsked) throw unreachable(missing);
    return false;
  }
  const late: ClusterNode[] = isAsked ? [...missing] : [...membership.others()];
  const logAt = Math.max(0, ...answers.map(({ answer }) => answer.logAt));
  // only the node that could not say it knows of the denial
  if (answers.some(({ answer }) => answer.logAt < 0)) late.push(...membership.nodes.living());
  if (logAt > 0) {
    const leftMs = Math.max(1, begunAt + KICK_MS - monotonic(clock));
    late.push(...(await mailbox.ask(membership.nodes.living(), 'reached', logAt, leftMs)).missing);
  }
  const cut = answers.filter(({ answer }) => first !== undefined && answer.cut === first.cut);
  // nodes may have the same name
  const cutBy = new Set(cut.map(({ node }) => node.incarnation));
  const nodes = namesOf(cut.map(({ node }) => node));
  const pending = namesOf(late.filter(({ incarnation }) => !cutBy.has(incarnation)));
  return { nodes: isKickedHere ? [...nodes, name].sort() : nodes, pending };
}

/**
 * Ends all visits that match: see `ClusterDirectory.kickAll`.
 *
 * @param list Lists visits of all nodes
 * @throws StreamSessionsError ERR_CLUSTER_ALONE (as a rejection) if not all nodes could be asked; those that answered have done it
 */
export async function kickAllEverywhere(
  parts: KickParts,
  list: (filter: SessionFilter) => Promise<readonly Pick<PlaySession, 'id'>[]>,
  filter: SessionFilter,
  options: KickOptions,
): Promise<number> {
  const { mailbox, membership } = parts.member;
  checkKickFilter(filter);
  if (filter.status === 'closed') return 0;
  if (filter.limit !== undefined && filter.limit > 0) {
    const first = await list({ ...filter, status: 'active' });
    const kicked = await Promise.all(first.map(({ id }) => kickEverywhere(parts, id, options)));
    return kicked.filter((each) => each !== false).length;
  }
  const nodes = membership.nodes.living();
  if (nodes.length === 0) throw notAll(parts.tracker.kickAll(filter, options), []);
  const { answers, missing } = await mailbox.ask<string[]>(nodes, 'kickAll', { filter, options }, KICK_ALL_MS);
  const kicked = new Set(answers.flatMap(({ answer }) => answer)).size;
  if (missing.length > 0) throw notAll(kicked, missing);
  return kicked;
}

/** Each name once, sorted. */
export const namesOf = (nodes: readonly ClusterNode[]): readonly string[] =>
  [...new Set(nodes.map(({ name }) => name))].sort();

/** There may be more of them on nodes that have not answered. */
const notAll = (kicked: number, missing: readonly ClusterNode[]): StreamSessionsError => {
  const why =
    missing.length === 0 ? 'no other node can be asked' : `these did not answer: ${namesOf(missing).join(', ')}`;
  return new StreamSessionsError('ERR_CLUSTER_ALONE', `${kicked} sessions were kicked, but not on all nodes: ${why}.`);
};

/** The requested session may be on a node that has not answered. */
export const unreachable = (missing: readonly ClusterNode[]): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_CLUSTER_ALONE',
    missing.length === 0
      ? 'This session is not here, and the other nodes cannot be asked.'
      : `No node that answered has this session, and these nodes did not answer: ${namesOf(missing).join(', ')}.`,
  );

/**
 * What the nodes that answered have found.
 *
 * @throws StreamSessionsError ERR_CLUSTER_ALONE if they have not, and others have not answered
 */
export function found<T>(answer: T | undefined, missing: readonly ClusterNode[]): T | undefined {
  if (answer === undefined && missing.length > 0) throw unreachable(missing);
  return answer;
}
