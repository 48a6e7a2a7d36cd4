import type { Protocol } from '@stream-sessions/core';
import { RecentMap } from '@stream-sessions/core/spi';
import { shortened } from '../kept-text.js';

const MAX_VIEWERS = 50_000;
const GENERATION_MS = 600_000;

/** Whoever has fetched a manifest: the best name the request gives, and the User-Agent for those who then drop it. */
export interface ManifestViewer {
  readonly stream: string;
  readonly ip: string;
  readonly name: string | undefined;
  readonly userAgent: string | undefined;
}

/**
 * Which protocol each viewer plays a stream by, as their last manifest says. fMP4 segments look the same in HLS and
 * DASH. Bounded, and forgets: it decides a word in a list, nothing else, which is also the worst of two names that are
 * one when shortened.
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
