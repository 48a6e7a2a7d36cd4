import type { Protocol } from '@stream-sessions/core';

/** Viewers remembered in one generation; there are two. */
const MAX_VIEWERS = 100_000;
/** A generation older than this is the old one. Who plays on moves to the young one. */
const GENERATION_MS = 600_000;
/** Two viewers whose names agree for this long share an entry: the worst is a wrong word in a list. */
const MAX_NAME_LENGTH = 256;

/** Whoever has fetched a manifest: the best name the request gives, and the User-Agent for those who then drop it. */
export interface ManifestViewer {
  readonly stream: string;
  readonly ip: string;
  readonly name: string | undefined;
  readonly userAgent: string | undefined;
}

/**
 * Which protocol each viewer plays a stream by, as their last manifest says. fMP4 segments look the same in HLS and
 * DASH. Bounded, and forgets: it decides a word in a list, nothing else.
 */
export class ManifestMemory {
  private young = new Map<string, Protocol>();
  private old = new Map<string, Protocol>();
  private bornAt: number;

  constructor(
    private readonly now: () => number = Date.now,
    private readonly maxViewers = MAX_VIEWERS,
  ) {
    this.bornAt = now();
  }

  remember(viewer: ManifestViewer, protocol: Protocol): void {
    if (viewer.name) this.set(keyOf(viewer, 'n', viewer.name), protocol);
    this.set(keyOf(viewer, 'u', viewer.userAgent ?? ''), protocol);
  }

  recall(viewer: ManifestViewer): Protocol | undefined {
    const named = viewer.name ? this.get(keyOf(viewer, 'n', viewer.name)) : undefined;
    return named ?? this.get(keyOf(viewer, 'u', viewer.userAgent ?? ''));
  }

  private get(key: string): Protocol | undefined {
    const found = this.young.get(key);
    if (found !== undefined) return found;
    const older = this.old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  private set(key: string, protocol: Protocol): void {
    this.young.set(key, protocol);
    if (this.young.size < this.maxViewers && this.now() - this.bornAt < GENERATION_MS) return;
    this.old = this.young;
    this.young = new Map();
    this.bornAt = this.now();
  }
}

const keyOf = (viewer: ManifestViewer, kind: 'n' | 'u', name: string): string =>
  `${viewer.stream}\n${viewer.ip}\n${kind}${name.slice(0, MAX_NAME_LENGTH)}`;
