import { toRecord } from '../denials/denial-record.js';
import type { ReplacedJournal } from '../denials/replaced-denials.js';
import { identityDigest } from '../settings/identity-digest.js';
import type { Session } from '../session/session.js';
import type { ClusterPort, FoundVisit, IdentityOptionsDigest, Part, VisitDirectory } from '../types/cluster.js';
import type { DenialRecord } from '../types/denial.js';
import type { KickOptions } from '../types/operations.js';
import type { CloseReason, PlaySession, SessionFilter } from '../types/play-session.js';
import type { Parts } from './assemble.js';

/** The side of a tracker that faces a cluster. */
export class ClusterSide implements ClusterPort {
  constructor(private readonly parts: Parts) {}

  get isStopped(): boolean {
    return this.parts.admissions.stopped;
  }

  get identity(): IdentityOptionsDigest {
    return identityDigest(this.parts.settings);
  }

  get keyId(): string | undefined {
    const { hasOwnKey, hash } = this.parts.settings;
    return hasOwnKey ? hash.keyId : undefined;
  }

  hash(text: string): string {
    // names of events and users: hardly one comes again while it would be remembered
    return this.parts.settings.hash.once(text);
  }

  join(directory: VisitDirectory): () => void {
    const { membership, denials, settings } = this.parts;
    membership.join(directory);
    const shared = {
      added: (entry: Parameters<typeof toRecord>[0]) => directory.denied(toRecord(entry, settings.hash.keyId)),
      lifted: (id: string) => directory.lifted(id),
    };
    denials.shared = shared;
    const { replaced } = denials;
    const journal: ReplacedJournal = {
      made: (entry, by, openedAt) => {
        const record = toRecord(entry, settings.hash.keyId);
        directory.replaced({ by, id: record.target.session ?? '', openedAt, record });
      },
      elsewhere: (id, by) => directory.replaced({ by, id }),
      ended: ({ denialId }) => directory.lifted(denialId),
    };
    replaced.join(journal);
    return () => {
      membership.leave(directory);
      if (denials.shared === shared) denials.shared = undefined;
      if (replaced.shared === journal) replaced.shared = undefined;
    };
  }

  ids(): string[] {
    return this.parts.registry.listed().map(({ id }) => id);
  }

  list(filter: SessionFilter): Promise<PlaySession[]> {
    return this.parts.queries.listInTurns(filter);
  }

  each(filter: SessionFilter, visit: (session: Pick<PlaySession, 'id' | 'openedAt'>) => void): Promise<void> {
    return this.parts.queries.eachInTurns(filter, visit);
  }

  part(id: string): Part | undefined {
    const session = this.listed(id);
    return session && this.parts.membership.partOf(session);
  }

  place(id: string): string | undefined {
    const session = this.listed(id);
    return session && this.parts.membership.placeOf(session);
  }

  rename(id: string, as: Pick<FoundVisit, 'id' | 'openedAt'>): boolean {
    const { registry, lifecycle } = this.parts;
    const session = this.listed(id);
    if (session === undefined) return false;
    if (as.id === id && as.openedAt === session.openedAt) return true;
    if (as.id !== id && registry.get(as.id) !== undefined) return false;
    lifecycle.rename(session, as.id, as.openedAt);
    return true;
  }

  end(id: string, openedAt: number, reason: CloseReason, detail?: string): boolean {
    const session = this.parts.registry.get(id);
    if (session?.openedAt !== openedAt) return false;
    return this.parts.lifecycle.close(session, reason, { detail });
  }

  kickAll(filter: SessionFilter, options: KickOptions): string[] {
    return this.parts.operator.kickAll(filter, options);
  }

  retire(visit: PlaySession): void {
    this.parts.registry.retire(visit);
  }

  handedOver(): void {
    this.parts.totals.handovers++;
  }

  replace(id: string, by: string): boolean {
    const session = this.listed(id);
    if (session === undefined) return false;
    const { evictions, denials } = this.parts;
    // the denials that it held pass to its replacement, on all nodes
    for (const entry of evictions.replace(session, by)) denials.replaced.shared?.made(entry, by);
    return true;
  }

  keepOut(record: DenialRecord): void {
    this.parts.denials.replaced.keepOut(record);
  }

  denialIds(): string[] {
    const { denials, clock } = this.parts;
    return denials.operator.idsInForce(clock.now());
  }

  denials(ids: Iterable<string>): DenialRecord[] {
    const { denials, clock, settings } = this.parts;
    return denials.operator.pick(ids, clock.now()).map((entry) => toRecord(entry, settings.hash.keyId));
  }

  take(records: readonly DenialRecord[]): void {
    this.parts.denials.take(records);
  }

  enforce(ids: readonly string[]): Promise<void> {
    return this.parts.operator.enforce(ids);
  }

  lift(id: string): boolean {
    const { denials } = this.parts;
    return denials.drop(id) || denials.replaced.drop(id);
  }

  private listed(id: string): Session | undefined {
    const session = this.parts.registry.get(id);
    return session?.isUnserved === true ? undefined : session;
  }
}
