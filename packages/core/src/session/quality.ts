import type { Quality } from '../types/play-session.js';
import { ownCopy } from '../support/strings.js';

const MAX_KEYS = 64;
const MAX_KEY_LENGTH = 64;
const MAX_TEXT_LENGTH = 256;

/** Merges what a player reports into what was known. The report comes from the network, so invalid figures are left out. */
export function withReport(known: Quality | undefined, reported: Quality): Quality {
  const all = new Map<string, number | string | boolean>(Object.entries(known ?? {}));
  for (const [key, value] of Object.entries(reported)) {
    if (!isFigure(value) || key.length > MAX_KEY_LENGTH || (all.size >= MAX_KEYS && !all.has(key))) continue;
    all.set(all.has(key) ? key : ownCopy(key), typeof value === 'string' ? ownCopy(value) : value);
  }
  // fromEntries defines properties, so a key called __proto__ is a key like any other
  return Object.freeze(Object.fromEntries(all));
}

function isFigure(value: unknown): value is number | string | boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'boolean' || (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH);
}
