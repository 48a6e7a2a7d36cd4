import type { Quality } from '@stream-sessions/core';
import type { CmcdDecoder } from './decoder.js';

/** Keys of CMCD (CTA-5004, and CTA-5004-B for version 2) that describe playback; those about a single request are not kept. */
const TEXTS = ['sid', 'cid', 'sf', 'st', 'sta'] as const;
const SWITCHES = ['su', 'bg'] as const;
const FIGURES = [
  ...[
    'v',
    'br',
    'ab',
    'lb',
    'lab',
    'tb',
    'tab',
    'tpb',
    'pb',
    'bl',
    'tbl',
    'mtp',
    'dl',
    'rtp',
    'pr',
    'ltc',
    'msd',
    'pt',
  ],
  ...['bsa', 'bsd', 'bsda', 'dfa'],
] as const;

/** Version 2 has one figure per kind of object: what the viewer sees counts. */
interface OfKind {
  readonly value: unknown;
  readonly params?: Readonly<Record<string, unknown>> | null;
}

/**
 * What a player reports about its playback, under CMCD's names. `bs` is set in every report that could contain it, since a player
 * that has not starved omits it. Undefined: not CMCD.
 *
 * @param hide Removes secrets from its texts: the content id of many players is the URL they were given.
 */
export function qualityOf(
  text: string,
  decode: CmcdDecoder,
  hide: (text: string) => string = (said) => said,
): Record<string, number | string | boolean> | undefined {
  let said: Readonly<Record<string, unknown>>;
  try {
    said = decode(text);
  } catch {
    return undefined;
  }
  const quality: Record<string, number | string | boolean> = {};
  for (const key of TEXTS) {
    const value = plain(said[key]);
    if (typeof value === 'string' && value !== '') quality[key] = hide(value);
  }
  for (const key of SWITCHES) if (plain(said[key]) === true) quality[key] = true;
  for (const key of FIGURES) {
    const value = plain(said[key]);
    if (typeof value === 'number' && Number.isFinite(value)) quality[key] = value;
  }
  const starved = plain(said.bs) === true;
  if (starved || 'bl' in quality) quality.bs = starved;
  return quality;
}

/** Version 2 writes `br=(3200;v 128;a)`: the video's value, otherwise the first. */
function plain(value: unknown): unknown {
  if (!Array.isArray(value)) return isOfKind(value) ? value.value : value;
  const kinds = value as unknown[];
  const seen = kinds.find((each) => !isOfKind(each) || 'v' in (each.params ?? {}) || 'av' in (each.params ?? {}));
  const chosen = seen ?? kinds[0];
  return isOfKind(chosen) ? chosen.value : chosen;
}

const isOfKind = (value: unknown): value is OfKind => typeof value === 'object' && value !== null && 'value' in value;

/** For a player that has starved again. */
export function withStarvations(
  quality: Record<string, number | string | boolean>,
  before: Quality | undefined,
): Quality {
  const known = before?.starvations;
  return { ...quality, starvations: (typeof known === 'number' ? known : 0) + 1 };
}
