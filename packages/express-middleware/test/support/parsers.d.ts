/** Independent parsers, as far as the tests use them: neither comes with types. */
declare module 'm3u8-parser' {
  export class Parser {
    manifest: unknown;
    push(text: string): void;
    end(): void;
  }
}

declare module 'mpd-parser' {
  interface Playlist {
    attributes: Record<string, unknown>;
    resolvedUri: string;
    segments: { uri: string; resolvedUri: string; map?: { uri: string; resolvedUri: string } }[];
    sidx?: { uri: string; resolvedUri: string; map: { uri: string; resolvedUri: string } };
  }
  export function parse(
    text: string,
    options: { manifestUri: string },
  ): { playlists: Playlist[]; mediaGroups: { AUDIO: Record<string, Record<string, { playlists: Playlist[] }>> } };
}
