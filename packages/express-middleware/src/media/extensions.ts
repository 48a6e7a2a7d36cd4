import type { Protocol } from '@stream-sessions/core';
import { badOption } from '@stream-sessions/core/spi';

/** What a file extension says: its protocol, or that it depends on the manifest the viewer fetched (fMP4). */
export type MediaType =
  | { readonly protocol: Protocol; readonly manifest: boolean; readonly shared: false }
  | { readonly protocol: 'dash'; readonly manifest: false; readonly shared: true };

const segment = (protocol: Protocol): MediaType => ({ protocol, manifest: false, shared: false });
const manifest = (protocol: Protocol): MediaType => ({ protocol, manifest: true, shared: false });
/** HLS has fMP4 segments too: `dash` is only what they are called while nobody knows better. */
const sharedSegment: MediaType = { protocol: 'dash', manifest: false, shared: true };

const BUILT_IN: readonly (readonly [string, MediaType])[] = [
  ['.ts', segment('hls')],
  ['.m4s', sharedSegment],
  ['.m3u8', manifest('hls')],
  ['.mpd', manifest('dash')],
  ['.mp4', sharedSegment],
];

/** Extensions that count, lower case, with the dot; a few, so a walk finds one faster than a hash. */
export type ExtensionTable = readonly (readonly [extension: string, type: MediaType])[];

/**
 * The built-in extensions and the user's.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function extensionTable(added: Readonly<Record<string, Protocol>> = {}): ExtensionTable {
  const table = new Map(BUILT_IN);
  for (const [name, protocol] of Object.entries(added)) {
    if (!/^\.?[^./\\\s]{1,16}$/.test(name)) throw badOption('extensions', 'keyed by file extensions like ".aac"', name);
    if (typeof protocol !== 'string' || protocol === '') {
      throw badOption(`extensions[${JSON.stringify(name)}]`, 'a protocol like "hls"', protocol);
    }
    table.set(`.${name.replace(/^\./, '')}`.toLowerCase(), segment(protocol.toLowerCase()));
  }
  return [...table];
}

/** Finds text that names a media file somewhere, for requests that cannot be read exactly. */
export function mediaPattern(table: ExtensionTable): RegExp {
  const names = table.map(([name]) => name.replace(/[^a-z0-9]/gi, '\\$&'));
  return new RegExp(`(?:${names.join('|')})(?![a-z0-9])`, 'i');
}
