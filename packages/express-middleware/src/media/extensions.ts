import type { Protocol } from '@stream-sessions/core';
import { badOption } from '@stream-sessions/core/spi';

/** What a file extension implies: its protocol, or that it depends on the manifest the viewer fetched (fMP4). */
export type MediaType =
  | { readonly protocol: Protocol; readonly manifest: boolean; readonly shared: false }
  | { readonly protocol: 'dash'; readonly manifest: false; readonly shared: true };

const segment = (protocol: Protocol): MediaType => ({ protocol, manifest: false, shared: false });
const manifest = (protocol: Protocol): MediaType => ({ protocol, manifest: true, shared: false });
/** HLS has fMP4 segments too: `dash` is only the default while nothing better is known. */
const sharedSegment: MediaType = { protocol: 'dash', manifest: false, shared: true };

/** Extensions that always count. */
const COUNTED: readonly (readonly [string, MediaType])[] = [
  ['.ts', segment('hls')],
  ['.m4s', sharedSegment],
  ['.m3u8', manifest('hls')],
  ['.mpd', manifest('dash')],
  ['.mp4', sharedSegment],
];

/**
 * Other files that players fetch: they are judged, and then counted, only while a policy authorises. A viewer who may not watch a
 * stream should not get its sound, subtitles or keys either.
 */
const GUARDED: readonly (readonly [MediaType, string])[] = [
  [manifest('hls'), '.m3u'],
  [segment('hls'), '.key .aac .ac3 .ec3 .eac3 .ac4 .mp3 .m2ts .mts .vtt .webvtt'],
  [
    sharedSegment,
    '.m4a .m4v .m4f .m4i .cmfv .cmfa .cmft .cmfm .init .dash .webm .weba .mkv .mka .mov .ttml .imsc .stpp',
  ],
  [sharedSegment, '.ogg .oga .ogv .opus .flac .wav .mpg .mpeg .avi .3gp .flv .f4v .dfxp .srt'],
];

/** The longest extension, including its dot. */
export const MAX_EXTENSION_LENGTH = 17;

/** Only a few entries, so a linear search is faster than a hash. */
type CountedTable = readonly (readonly [extension: string, type: MediaType])[];

/** Which files are media, by extension in any case: `.TS` is a different file from `.ts` on most disks, but a segment, too. */
export class MediaTypes {
  private readonly counted: CountedTable;
  private readonly guarded: ReadonlyMap<string, MediaType>;

  /**
   * @param added The user's extensions, which take precedence over the built-in ones; false: not media.
   * @throws StreamSessionsError ERR_BAD_OPTION
   */
  constructor(added: Readonly<Record<string, Protocol | false>> = {}) {
    const counted = new Map(COUNTED);
    const guarded = new Map(GUARDED.flatMap(([type, names]) => names.split(' ').map((name) => [name, type] as const)));
    for (const [name, protocol] of Object.entries(added)) {
      const extension = extensionOf(name);
      guarded.delete(extension);
      if (protocol === false) counted.delete(extension);
      else if (typeof protocol === 'string' && protocol !== '') counted.set(extension, segment(protocol.toLowerCase()));
      else throw badOption(`extensions[${JSON.stringify(name)}]`, 'a protocol like "hls", or false', protocol);
    }
    this.counted = [...counted];
    this.guarded = guarded;
  }

  /** The type of a file that always counts. */
  ofCounted(path: string): MediaType | undefined {
    const dot = path.lastIndexOf('.');
    const length = path.length - dot;
    // longer than any extension: a name of 10,000 characters is not copied for the look-up
    if (dot < 0 || length > MAX_EXTENSION_LENGTH) return undefined;
    for (const [extension, type] of this.counted) {
      if (extension.length === length && path.startsWith(extension, dot)) return type;
    }
    const lower = path.slice(dot).toLowerCase();
    return this.counted.find(([extension]) => extension === lower)?.[1];
  }

  /** The type of a file that is judged while a policy authorises. */
  ofGuarded(path: string): MediaType | undefined {
    const dot = path.lastIndexOf('.');
    if (dot < 0 || path.length - dot > MAX_EXTENSION_LENGTH) return undefined;
    return this.guarded.get(path.slice(dot).toLowerCase());
  }

  /** Every extension that can be media. */
  get all(): readonly string[] {
    return [...this.counted.map(([extension]) => extension), ...this.guarded.keys()];
  }
}

function extensionOf(name: string): string {
  if (!/^\.?[^./\\\s]{1,16}$/.test(name)) throw badOption('extensions', 'keyed by file extensions like ".aac"', name);
  return `.${name.replace(/^\./, '')}`.toLowerCase();
}
