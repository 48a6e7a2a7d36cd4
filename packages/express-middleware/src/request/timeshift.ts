import { atOnce, badOption } from '@stream-sessions/core/spi';
import type { PlaybackRequest, RequestCallback } from '../connect.js';

/** How to tell who is watching another time than live: query parameters, nothing (false), or a callback. */
export type TimeshiftRule = readonly string[] | false | RequestCallback<[], boolean | undefined>;

/** True: it asks for another time than live; false: for live; undefined: it does not say. */
export type TimeshiftReader = (req: PlaybackRequest, query: string, isManifest: boolean) => boolean | undefined;

/** Open-Streamer's parameters. */
const PARAMETERS: readonly string[] = ['from', 'delay', 'dur', 'ago'];
const MAX_PARAMETERS = 32;
/** Names that need no escape in a query. */
const PLAIN_NAME = /^[A-Za-z0-9._~-]{1,64}$/;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function timeshiftReader(rule: TimeshiftRule = PARAMETERS): TimeshiftReader {
  if (rule === false) return () => undefined;
  if (typeof rule === 'function') return (req) => checked(atOnce(rule(req), 'dvr()'));
  const named = patternOf(rule);
  // Players drop the query on segments: one without it may be of any time, and belongs to the manifest before it.
  return (_req, query, isManifest) => (query !== '' && named.test(query)) || (isManifest ? false : undefined);
}

/** Matches any of these parameters with a value. */
function patternOf(names: readonly string[]): RegExp {
  if (!isListOfNames(names)) {
    throw badOption('dvr', 'a list of query parameters like ["from", "delay"], false, or a function', names);
  }
  return new RegExp(`(?:^|&)(?:${names.map((name) => name.replaceAll('.', '\\.')).join('|')})=[^&]`);
}

const isListOfNames = (names: unknown): boolean =>
  Array.isArray(names) &&
  names.length > 0 &&
  names.length <= MAX_PARAMETERS &&
  names.every((name) => typeof name === 'string' && PLAIN_NAME.test(name));

function checked(answer: unknown): boolean | undefined {
  if (answer === undefined || typeof answer === 'boolean') return answer;
  throw badOption('The result of dvr', 'true, false or undefined', answer);
}

/** For an app without options. */
export const ownTimeshift = timeshiftReader();
