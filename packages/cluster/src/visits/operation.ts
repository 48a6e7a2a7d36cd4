import type { FoundVisit, Part } from '@stream-sessions/core/spi';
import {
  allowedText,
  readAllowed,
  readHolders,
  readNames,
  readText,
  readTime,
  timeText,
  type Place,
  encoded,
} from './fields.js';

/**
 * Why a part is claimed: it has opened, or changed; its bucket has come back empty, and it is not new; or its visit has ended for
 * everybody, and it goes on as another.
 */
export const CLAIM = { open: '-', lost: 'lost', anew: 'anew' } as const;
export type Claim = keyof typeof CLAIM;

/** The answer to a question. */
export interface Asked {
  readonly found: FoundVisit;
  /** How far the log has to be read before a newcomer is admitted there. */
  readonly logAt: number;
  readonly place: Place;
  /** It began with this question: the asking node reports it when a viewer is admitted, or gives it back. */
  readonly begun: Begun | undefined;
  /** The node that began it has admitted nobody: a node that does claims it. */
  readonly isPassedOn: boolean;
  /** This node is releasing its part, or giving it back: in a moment it holds none. */
  readonly isLetGo: boolean;
}

export interface Begun {
  readonly step: string;
  readonly told: () => void;
}
/** The result of a claim. */
export interface Claimed {
  /** The visit that the part belongs to: its own, unless it turned out to be another. */
  readonly visit: Pick<FoundVisit, 'id' | 'openedAt' | 'names'>;
  /** It began with this claim: to be called when that has been reported. */
  readonly opened: (() => void) | undefined;
  /** The part goes on as another visit, and its own has ended with this claim: to be called when that has been reported. */
  readonly closed: (() => void) | undefined;
}

/** The result of ending a part. */
export interface Ended {
  /** Nobody had told that the visit has begun: to be called when that has been reported. */
  readonly opened: (() => void) | undefined;
  /** The whole visit has ended, and no part is left: to be called when that has been reported. */
  readonly closed: (() => void) | undefined;
  readonly updatedAt: number;
  readonly bytes: number;
  readonly bytesReceived: number;
  /** Prefixes of the incarnations that hold other parts. */
  readonly holders: readonly string[];
}

/** What became of the end of a part. `none`: Redis has no such part; undefined: it could not be told. */
export type EndAnswer = Ended | 'none' | undefined;

/** One of the operations of a step. */
export interface Operation {
  /** From its letter on. */
  readonly args: readonly string[];
  /** Kind and stream. */
  readonly about: string;
  /** Somebody waits for the answer: who was not answered is told so at once, and it is asked again whether it has happened. */
  readonly isQuestion: boolean;
  readonly done: (answer: readonly string[] | undefined, begun: Begun) => void;
}

/** The change in the number of visits, by the first word of an answer. */
export const COUNTED: Readonly<Record<string, 1 | -1>> = {
  new: 1,
  opened: 1,
  closed: -1,
  'opened-closed': -1,
  gone: -1,
};
/** How many events an answer reports, by its first word. */
export const NEWS: Readonly<Record<string, number>> = {
  new: 1,
  opened: 1,
  closed: 1,
  moved: 1,
  'opened-left': 1,
  'opened-closed': 2,
};

export interface Answer {
  readonly fields: readonly string[];
  readonly begun: Begun;
}

export const NOT_BEGUN: Begun = { step: '-', told: () => undefined };

/** Id and opening time, as Redis has them. */
export const visitText = ({ id, openedAt }: Pick<Part, 'id' | 'openedAt'>): [id: string, openedAt: string] => [
  encoded(id),
  timeText(openedAt),
];

/** Of a claim, from the last activity on. */
export const claimArgs = (part: Part, why: Claim, former: string): string[] => [
  ...[timeText(part.updatedAt), allowedText(part.allowedUntil), CLAIM[why], former],
];

/** Of what ends a part, from the reason on. */
export const endArgs = (part: Part, reason: string): string[] => [
  ...[encoded(reason), timeText(part.updatedAt), part.bytes.toFixed(0), part.bytesReceived.toFixed(0)],
];

export function readEnded({ fields, begun }: Answer): Ended | undefined {
  const [how, updatedAt, bytes, received, holders = ''] = fields;
  if (how === 'none' || updatedAt === undefined) return undefined;
  return {
    opened: how?.startsWith('opened') === true ? begun.told : undefined,
    closed: how?.endsWith('closed') === true ? begun.told : undefined,
    updatedAt: readTime(updatedAt),
    bytes: Number(bytes),
    bytesReceived: Number(received),
    holders: readHolders(holders),
  };
}

/** Ids of connections are the adapter's own: they are encoded to contain no spaces. */
export const decoded = (answer: readonly string[]): readonly string[] =>
  answer.map((field, i) => (i === 1 ? readText(field) : field));

/** @param shown the names that were asked about */
export function readAsked(
  { fields, begun }: Answer,
  place: Place,
  shown: string,
  isLetGo: (visit: string) => boolean,
): Asked {
  const [how, id = '', openedAt = '', names = '-', allowed = '-', logAt] = fields;
  const isOurs = how === 'new' || how === 'mine';
  const found = isOurs ? 'new' : (how as FoundVisit['found']);
  const allowedUntil = allowed === '!' ? undefined : readAllowed(allowed);
  return {
    found: { id, openedAt: readTime(openedAt), found, names: readNames(names === '-' ? shown : names), allowedUntil },
    logAt: Number(logAt),
    place,
    begun: how === 'new' ? begun : undefined,
    isPassedOn: allowed === '!',
    isLetGo: isLetGo(`${encoded(id)} ${openedAt}`),
  };
}
