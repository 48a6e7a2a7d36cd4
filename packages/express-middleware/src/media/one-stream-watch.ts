import { keep, MAX_STREAM_LENGTH } from '@stream-sessions/core/spi';

/** Renditions of a stream also have folders of their own, but hardly this many, and there is a playlist above them. */
const MANY = 8;
const MAX_STREAMS = 100;

/**
 * Notices that the playlists of many folders count as one stream, which happens if `/hls/cam1`, `/hls/cam2` and so on are mounted
 * one level too high. Watches the playlists that are served until it has warned once.
 */
export class OneStreamWatch {
  /** By stream: the folders below it that have a playlist. Null: the stream itself has one. */
  private readonly folders = new Map<string, Set<string> | null>();
  private done = false;

  /** @param warn Called with the stream and some of its folders. */
  constructor(private readonly warn: (stream: string, folders: readonly string[]) => void) {}

  served(path: string): void {
    if (this.done) return;
    const [stream = '', folder, ...below] = path.split('/', 3);
    if (folder === undefined) return;
    if (below.length === 0) return this.remember(stream, null);
    const seen = this.folders.get(stream);
    if (seen === null) return;
    const folders = seen ?? new Set<string>();
    folders.add(keep(folder, MAX_STREAM_LENGTH) ?? '');
    this.remember(stream, folders);
    if (folders.size < MANY) return;
    this.done = true;
    this.folders.clear();
    this.warn(stream, [...folders].slice(0, 2));
  }

  private remember(stream: string, what: Set<string> | null): void {
    if (!this.folders.has(stream) && this.folders.size >= MAX_STREAMS) return;
    this.folders.set(keep(stream, MAX_STREAM_LENGTH) ?? '', what);
  }
}
