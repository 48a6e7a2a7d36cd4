import type { NamedBy, SessionKind } from '@stream-sessions/core';
import type { NameHash, VisitIdentity } from '@stream-sessions/core/spi';
import { BUCKETS } from '../link/link.js';
import { SHARDS } from './visit-steps.js';

/** Where a visit is kept. */
export interface Place {
  readonly bucket: number;
  readonly shard: number;
  readonly place: string;
}

/** As an event says it. */
export const placeAt = (bucket: number, where: string): Place => ({
  ...{ bucket, shard: Number(where.charAt(0)), place: where.slice(1) },
});

/** Letters of a hash that tell groups apart: 66 bits. */
const PLACE_LENGTH = 11;

/** Of a group its own place; a connection is a group by itself. */
export function placeOf({ place, id }: Pick<VisitIdentity, 'place' | 'id'>): Place {
  const text = place?.slice(0, PLACE_LENGTH) ?? `c:${encodeURIComponent(id)}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  return { bucket: (hash >>> 0) % BUCKETS, shard: (hash >>> 8) % SHARDS, place: text };
}

const LETTERS: Readonly<Record<NamedBy, string>> = {
  token: 't',
  cmcd: 'c',
  'playback-session': 'p',
  user: 'u',
  fingerprint: 'f',
};
const KINDS = Object.fromEntries(Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as NamedBy]));

export const namesText = (names: readonly NameHash[]): string =>
  names.length === 0 ? '-' : names.map(([kind, hash]) => `${LETTERS[kind]}=${hash}`).join();

export const readNames = (text: string): NameHash[] =>
  text === '-'
    ? []
    : text.split(',').flatMap((name): NameHash[] => {
        const kind = KINDS[name.charAt(0)];
        return kind === undefined ? [] : [[kind, name.slice(2)]];
      });

/** Kind and stream, without blanks. */
export const aboutOf = (kind: SessionKind, stream: string): string => `${kind}:${encodeURIComponent(stream)}`;

export function readAbout(about: string): { kind: SessionKind; stream: string } {
  const colon = about.indexOf(':');
  return { kind: about.slice(0, colon) as SessionKind, stream: decodeURIComponent(about.slice(colon + 1)) };
}

/** The end of a Date stands for no end at all. */
const NO_END = 8.64e15;

export const allowedText = (until: number | undefined): string =>
  until === undefined ? '-' : Math.min(Math.floor(until), NO_END).toFixed(0);

export function readAllowed(text: string): number | undefined {
  if (text === '-') return undefined;
  const until = Number(text);
  return until >= NO_END ? Infinity : until;
}
