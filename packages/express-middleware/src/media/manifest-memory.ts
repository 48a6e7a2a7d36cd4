import type { Protocol } from '@stream-sessions/core';
import { RecentMap } from '@stream-sessions/core/spi';
import { shortened } from '../kept-text.js';

const MAX_VIEWERS = 50_000;
const GENERATION_MS = 600_000;

/** A viewer who fetched a manifest: the best name in the request, and the User-Agent for players that then drop the name. */
export interface ManifestViewer {
  readonly stream: string;
  readonly ip: string;
  readonly name: string | undefined;
  readonly userAgent: string | undefined;
}

/**
 * Which protocol each viewer uses for a stream, according to their last manifest: fMP4 segments look the same in HLS and DASH. It
 * is bounded and forgets, because it only decides a label in a list; the same is the worst that two names that coincide when
 * shortened can do.
 */
export class ManifestMemory {
  private readonly protocols: RecentMap<Protocol>;

  constructor(now?: () => number, maxViewers = MAX_VIEWERS) {
    this.protocols = new RecentMap({ max: maxViewers, generationMs: GENERATION_MS, now });
  }

  remember(viewer: ManifestViewer, protocol: Protocol): void {
    if (viewer.name) this.protocols.set(keyOf(viewer, 'n', viewer.name), protocol);
    this.protocols.set(keyOf(viewer, 'u', viewer.userAgent ?? ''), protocol);
  }

  recall(viewer: ManifestViewer): Protocol | undefined {
    const named = viewer.name ? this.protocols.get(keyOf(viewer, 'n', viewer.name)) : undefined;
    return named ?? this.protocols.get(keyOf(viewer, 'u', viewer.userAgent ?? ''));
  }
}

const keyOf = (viewer: ManifestViewer, kind: 'n' | 'u', name: string): string =>
  `${viewer.stream}\n${viewer.ip}\n${kind}${shortened(name)}`;
