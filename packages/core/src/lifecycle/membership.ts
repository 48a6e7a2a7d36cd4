import type { Registry } from '../registry/registry.js';
import { identityOfSession, placeOfSession } from '../registry/visit-identity.js';
import type { Session } from '../session/session.js';
import type { Settings } from '../settings/settings.js';
import type { Part, VisitDirectory } from '../types/cluster.js';
import type { CloseReason, PlaySession } from '../types/play-session.js';

/** For these reasons, a node releases its part while the visit goes on: the viewer may by now be watching on another node. */
const LETS_GO: ReadonlySet<CloseReason> = new Set(['idle', 'client_gone', 'transport_error', 'stalled', 'shutdown']);

/** The tracker's link to a cluster; without a directory, there is none. */
export class Membership {
  directory: VisitDirectory | undefined = undefined;

  constructor(
    private readonly registry: Registry,
    private readonly settings: Settings,
  ) {}

  join(directory: VisitDirectory): void {
    this.directory = directory;
    this.registry.onChange = (session, isNew) => directory.changed(session.id, isNew);
  }

  leave(directory: VisitDirectory): void {
    if (this.directory !== directory) return;
    this.directory = undefined;
    this.registry.onChange = undefined;
  }

  /** True when the visit goes on without this part, so that no list shows the part as closed. */
  letsGo(reason: CloseReason): boolean {
    return this.directory !== undefined && LETS_GO.has(reason);
  }

  /** Whether the visit of a part that has closed may go on elsewhere, so that the cluster tells when it ends. */
  goesOn(reason: CloseReason | undefined): boolean {
    return reason !== undefined && this.letsGo(reason) && this.directory?.isAlone === false;
  }

  /** The session has closed, and its last bytes have been counted. */
  left(session: Session, row: PlaySession): void {
    this.directory?.left(this.partOf(session), row, !LETS_GO.has(row.closeReason as CloseReason));
  }

  placeOf(session: Session): string | undefined {
    const { recipes, hash } = this.settings;
    return placeOfSession(session, recipes, hash);
  }

  partOf(session: Session): Part {
    const { openedAt, bytes, updatedAt, rare } = session;
    const { recipes, aliases, hash } = this.settings;
    const identity = identityOfSession(session, recipes, aliases, hash);
    return {
      ...identity,
      openedAt,
      bytes,
      bytesReceived: rare?.bytesReceived ?? 0,
      updatedAt,
      allowedUntil: session.allowed ? (session.hot?.tokenUntil ?? rare?.expiresAt ?? Infinity) : undefined,
    };
  }
}
