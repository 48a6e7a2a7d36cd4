import { createHash } from 'node:crypto';
import type { Clock, Logger } from '@stream-sessions/core';
import {
  badOption,
  badSecret,
  checkClock,
  checkMethods,
  checkOptions,
  consoleLogger,
  EVENT_TYPES,
  isolated,
  LONGEST_TIMER_MS,
  systemClock,
  parseUrl,
} from '@stream-sessions/core/spi';
import { FORMATS, type WebhookFormat } from './formats/format.js';
import { type Signer, signerOf } from './sign.js';

/** Conditions for sending an event, besides its type and stream. */
export interface WebhookCondition {
  /** Of `session.closed` and `session.denied`, only those with one of these reasons. */
  readonly reasons?: readonly string[] | undefined;
  /** `stream.viewers_above`, each time a stream gets more viewers than this. */
  readonly viewersAbove?: number | undefined;
  /** `stream.viewers_below`, each time a stream that had at least this many viewers falls below it; from 1. */
  readonly viewersBelow?: number | undefined;
  /** `stream.publisher_lost`, each time the last publisher of a stream ends. */
  readonly publisherLost?: boolean | undefined;
}

/** Where events go. */
export interface WebhookEndpoint {
  /** `https:`, or `http:`. Only its host is ever shown. */
  readonly url: string;
  /** `whsec_…` (`v1`) or `whsk_…` (`v1a`); each of them signs. None: nothing is signed. */
  readonly secrets?: readonly string[] | undefined;
  /** Its name in lists and in the journal. Default: its host, and a hash of its URL. */
  readonly name?: string | undefined;
  /** Types of events. Default `session.opened`, `session.closed`, `session.denied`; none if `when` names a threshold. */
  readonly events?: readonly string[] | undefined;
  /** Stream codes, or prefixes followed by `*`. Default all. */
  readonly streams?: readonly string[] | undefined;
  readonly when?: WebhookCondition | undefined;
  /** Default `standard`; `mistserver` receives only `session.closed`. */
  readonly format?: WebhookFormat | undefined;
}

/** Options of `createWebhooks()`. */
export interface WebhooksOptions {
  readonly endpoints: readonly WebhookEndpoint[];
  /** Path of a file for what is to be sent, used by this process alone. It is created if it does not exist. */
  readonly journal: string;
  /** The largest size of the journal, counting only what is needed. Bytes. Default 256 MiB. */
  readonly maxJournalBytes?: number | undefined;
  /**
   * Waits between attempts in milliseconds, each longer by up to a fifth. Default: that of Standard Webhooks, ten attempts in
   * three days.
   */
  readonly retryScheduleMs?: readonly number[] | undefined;
  /** Also sends to addresses that are not public: those of this machine or your network. Default false. */
  readonly allowPrivateNetworks?: boolean | undefined;
  /** Default: the wall clock. */
  readonly clock?: Clock | undefined;
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger | undefined;
}

export interface CheckedEndpoint {
  readonly name: string;
  readonly url: URL;
  readonly signers: readonly Signer[];
  readonly events: ReadonlySet<string>;
  readonly streams: readonly string[] | undefined;
  readonly when: WebhookCondition;
  readonly format: WebhookFormat;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SCHEDULE = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
const DEFAULT_EVENTS = ['session.opened', 'session.closed', 'session.denied'];
/** All that sinks get but `session.updated`, and those about streams. */
const EVENTS: readonly string[] = [
  ...EVENT_TYPES.filter((type) => type !== 'session.updated'),
  'stream.viewers_above',
  'stream.viewers_below',
  'stream.publisher_lost',
];
const MIN_JOURNAL_BYTES = 1024 * 1024;
const KNOWN: readonly string[] = [
  'endpoints',
  'journal',
  'maxJournalBytes',
  'retryScheduleMs',
  'allowPrivateNetworks',
  'clock',
  'logger',
] satisfies readonly (keyof WebhooksOptions)[];
const OF_ENDPOINT: readonly string[] = [
  'url',
  'secrets',
  'name',
  'events',
  'streams',
  'when',
  'format',
] satisfies readonly (keyof WebhookEndpoint)[];
const OF_CONDITION: readonly string[] = [
  'reasons',
  'viewersAbove',
  'viewersBelow',
  'publisherLost',
] satisfies readonly (keyof WebhookCondition)[];

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checked(options: WebhooksOptions) {
  checkOptions('createWebhooks()', options, KNOWN);
  const { endpoints, journal, maxJournalBytes = 256 * 1024 * 1024, retryScheduleMs = SCHEDULE } = options;
  const { allowPrivateNetworks = false, clock = systemClock, logger = consoleLogger } = options;
  checkClock(clock);
  checkMethods('logger', logger, ['warn', 'error']);
  if (!Array.isArray(endpoints)) throw badOption('endpoints', 'a list of endpoints', endpoints);
  if (typeof journal !== 'string' || journal === '') throw badOption('journal', 'the path of a file', journal);
  if (!(typeof maxJournalBytes === 'number' && maxJournalBytes >= MIN_JOURNAL_BYTES))
    throw badOption('maxJournalBytes', `a number from ${MIN_JOURNAL_BYTES}`, maxJournalBytes);
  if (!Array.isArray(retryScheduleMs) || !retryScheduleMs.every(isWait))
    throw badOption('retryScheduleMs', 'a list of milliseconds, each at most 24 days', retryScheduleMs);
  if (typeof allowPrivateNetworks !== 'boolean')
    throw badOption('allowPrivateNetworks', 'true or false', allowPrivateNetworks);
  const all = (endpoints as WebhookEndpoint[]).map(checkedEndpoint);
  const names = all.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw badOption('endpoints', 'of different names, or URLs', twice);
  return {
    ...{ endpoints: all, journal, maxJournalBytes, retryScheduleMs, allowPrivateNetworks, clock },
    logger: isolated(logger),
  };
}

function checkedEndpoint(endpoint: WebhookEndpoint): CheckedEndpoint {
  checkOptions('endpoints', endpoint, OF_ENDPOINT);
  const { secrets = [], when = {}, format = 'standard' } = endpoint;
  checkOptions('when', when, OF_CONDITION);
  const url = checkedUrl(endpoint.url);
  if (!Object.hasOwn(FORMATS, format)) throw badOption('format', `one of ${Object.keys(FORMATS).join(', ')}`, format);
  for (const [name, list] of Object.entries({
    secrets,
    events: endpoint.events,
    streams: endpoint.streams,
    reasons: when.reasons,
  })) {
    if (list !== undefined && !isTexts(list))
      throw (name === 'secrets' ? badSecret : badOption)(name, 'a list of texts', list);
  }
  for (const [name, list] of Object.entries({ streams: endpoint.streams, reasons: when.reasons })) {
    if (list?.length === 0 || list?.includes(''))
      throw badOption(name, 'left out, or not empty: nothing would be sent', list);
  }
  for (const [name, least] of [
    ['viewersAbove', 0],
    ['viewersBelow', 1],
  ] as const) {
    const limit = when[name];
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= least))
      throw badOption(name, `a whole number from ${least}`, limit);
  }
  if (when.publisherLost !== undefined && typeof when.publisherLost !== 'boolean')
    throw badOption('publisherLost', 'true or false', when.publisherLost);
  const thresholds = thresholdsOf(when);
  const usual = format === 'mistserver' ? ['session.closed'] : thresholds.length > 0 ? [] : DEFAULT_EVENTS;
  const events = new Set([...(endpoint.events ?? usual), ...thresholds]);
  if (events.has('session.updated'))
    throw badOption('events', 'without "session.updated", which is for the feed', 'session.updated');
  const unknown = [...events].find((type) => !EVENTS.includes(type));
  if (unknown !== undefined) throw badOption('events', `of the types ${EVENTS.join(', ')}`, unknown);
  if (events.size === 0) throw badOption('events', 'at least one type', endpoint.events);
  if (format === 'mistserver' && [...events].some((type) => type !== 'session.closed')) {
    throw badOption('events', '["session.closed"] where the format is "mistserver"', [...events]);
  }
  const hash = createHash('sha256').update(url.href).digest('hex').slice(0, 8);
  const { name = `${url.host}-${hash}`, streams } = endpoint;
  if (typeof name !== 'string' || !/^[\w.:[\]-]{1,128}$/.test(name))
    throw badOption('name', 'a word of at most 128 characters', name);
  return { name, url, signers: secrets.map(signerOf), events, streams, when, format };
}

/** The types that conditions add. */
export const thresholdsOf = ({ viewersAbove, viewersBelow, publisherLost }: WebhookCondition): string[] => [
  ...(viewersAbove === undefined ? [] : ['stream.viewers_above']),
  ...(viewersBelow === undefined ? [] : ['stream.viewers_below']),
  ...(publisherLost === true ? ['stream.publisher_lost'] : []),
];

function checkedUrl(text: unknown): URL {
  const url = typeof text === 'string' ? parseUrl(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw badSecret('url', 'an address with https:// or http://', text);
  if (url.username !== '' || url.password !== '')
    throw badOption('url', 'without a user and a password', 'one with them');
  return url;
}

const isWait = (ms: unknown): boolean => typeof ms === 'number' && ms >= 0 && ms <= LONGEST_TIMER_MS;
const isTexts = (list: unknown): boolean => Array.isArray(list) && list.every((text) => typeof text === 'string');
