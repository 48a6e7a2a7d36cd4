import type { NamedBy, SessionKind } from '@stream-sessions/core';
import { LAST_MS, type NameHash, type VisitIdentity } from '@stream-sessions/core/spi';
import { BUCKETS } from '../link/link.js';
import { HOLDER_LENGTH } from '../membership/lease-steps.js';

/** A text without spaces and line breaks. Half a character cannot be encoded, and becomes U+FFFD. */
export function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return encodeURIComponent(Buffer.from(text).toString());
  }
}

/** Where a visit is stored. */
export interface Place {
  readonly bucket: number;
  readonly place: string;
}

/** Times as Redis has them: whole milliseconds in base 36. */
export const timeText = (ms: number): string => Math.floor(ms).toString(36);
export const readTime = (text: string): number => parseInt(text, 36);

/**
 * A text as `encodeURIComponent` has written it. Also where there is nothing to decode: the result has memory of its
 * own, while a piece of an answer would keep all of it.
 */
export const readText = decodeURIComponent;

/** Beginnings of the incarnations that hold parts. */
export const readHolders = (text: string): string[] =>
  Array.from({ length: text.length / HOLDER_LENGTH }, (_, i) => text.slice(i * HOLDER_LENGTH, (i + 1) * HOLDER_LENGTH));

/** Characters of a hash that distinguish groups: 66 bits. */
const PLACE_LENGTH = 11;

/** The visits of a bucket lie in this many hashes, so that none is larger than 5 MB with a million visits. */
export const SHARDS = 3;

/** A group has a place of its own; a connection is a group by itself. */
export function placeOf({ place, id }: Pick<VisitIdentity, 'place' | 'id'>): Place {
  const text = place?.slice(0, PLACE_LENGTH) ?? `c:${encoded(id)}`;
  return { bucket: spread(text) % BUCKETS, place: text };
}

/** The hash of its bucket that a place is in. */
export const shardOf = (place: string): number => Math.floor(spread(place) / BUCKETS) % SHARDS;

/** The same for the same text, and any other for another (FNV-1a). */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

const LETTERS: Readonly<Record<NamedBy, string>> = {
  token: 't',
  cmcd: 'c',
  'playback-session': 'p',
  user: 'u',
  fingerprint: 'f',
};
const KINDS = Object.fromEntries(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as NamedBy]));

/**
 * Characters of the hash of a player's own name: 36 bits distinguish it within its group. Among a thousand players there, two
 * different names are confused once in 140,000 groups. All other names are stored in full, because denials use them.
 */
const AGENT_LENGTH = 6;

const nameText = ([kind, hash]: NameHash): string =>
  `${LETTERS[kind]}${kind === 'fingerprint' ? hash.slice(0, AGENT_LENGTH) : hash}`;

export const namesText = (names: readonly NameHash[]): string =>
  names.length === 0 ? '-' : names.map(nameText).join();

export const readNames = (text: string): NameHash[] =>
  text === '-'
    ? []
    : text.split(',').flatMap((name): NameHash[] => {
        const kind = KINDS[name.charAt(0)];
        return kind === undefined ? [] : [[kind, name.slice(1)]];
      });

/** Whether all of these are among the names that Redis has. */
export function areKnown(names: readonly NameHash[], known: readonly NameHash[]): boolean {
  const texts = new Set(known.map(nameText));
  return names.every((name) => texts.has(nameText(name)));
}

const ABOUTS: Readonly<Record<SessionKind, string>> = { viewer: 'v', input: 'i', output: 'o', unspecified: 'u' };
const ABOUT_KINDS = Object.fromEntries(Object.entries(ABOUTS).map(([kind, letter]) => [letter, kind as SessionKind]));

/** Kind and stream, without spaces. */
export const aboutOf = (kind: SessionKind, stream: string): string => `${ABOUTS[kind]}:${encoded(stream)}`;

export const readAbout = (about: string): { kind: SessionKind; stream: string } => ({
  kind: ABOUT_KINDS[about.charAt(0)] ?? 'unspecified',
  stream: readText(about.slice(2)),
});

/** Stands for no end at all. */
const NO_END = LAST_MS;

export const allowedText = (until: number | undefined): string =>
  until === undefined ? '-' : timeText(Math.min(until, NO_END));

export function readAllowed(text: string): number | undefined {
  if (text === '-') return undefined;
  const until = readTime(text);
  return until >= NO_END ? Infinity : until;
}
