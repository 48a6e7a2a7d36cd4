import type { FoundVisit, Part, VisitIdentity } from '@stream-sessions/core/spi';
import { aboutOf, allowedText, namesText, readAllowed, readNames, type Place } from './fields.js';
import { LOOKS_NEAR } from './visit-steps.js';

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
}

/** The result of ending a part. */
export interface Ended {
  /** The whole visit has ended, and no part is left: to be called when that has been reported. */
  readonly closed: (() => void) | undefined;
  readonly updatedAt: number;
  readonly bytes: number;
  readonly bytesReceived: number;
  /** Prefixes of the incarnations that hold other parts. */
  readonly holders: readonly string[];
}

/** One of the operations of a step. */
export interface Operation {
  readonly place: Place;
  readonly args: readonly string[];
  /**
   * Somebody is waiting for the answer: if there is none, this is reported at once, and it is checked later whether the operation
   * took effect.
   */
  readonly isQuestion: boolean;
  readonly done: (answer: readonly string[] | undefined, begun: Begun) => void;
}

/** The change in the number of visits, by the first word of an answer. */
export const COUNTED: Readonly<Record<string, 1 | -1>> = { new: 1, opened: 1, closed: -1, gone: -1 };
/** First words of answers that report something new. */
export const NEWS: ReadonlySet<string> = new Set(['new', 'opened', 'closed']);

export interface Answer {
  readonly fields: readonly string[];
  readonly begun: Begun;
}

export const looksNear = (what = ''): boolean => LOOKS_NEAR.includes(what.charAt(0));
export const NOT_BEGUN: Begun = { step: '-', told: () => undefined };

/** The arguments from the id on. */
export function argsOf(asked: VisitIdentity, part?: Part, extra = '-', shown = namesText(asked.names)): string[] {
  const { kind, stream, id } = asked;
  const figures = [part?.updatedAt ?? 0, part?.bytes ?? 0, part?.bytesReceived ?? 0].map((n) => n.toFixed(0));
  const openedAt = String(part?.openedAt ?? 0);
  const about = aboutOf(kind, stream);
  return [encodeURIComponent(id), openedAt, about, shown, ...figures, allowedText(part?.allowedUntil), extra];
}

export function readEnded({ fields, begun }: Answer): Ended | undefined {
  const [how, updatedAt, bytes, received, holders = '-'] = fields;
  if (how === 'none' || updatedAt === undefined) return undefined;
  return {
    closed: how === 'closed' ? begun.told : undefined,
    updatedAt: Number(updatedAt),
    bytes: Number(bytes),
    bytesReceived: Number(received),
    holders: holders === '-' ? [] : holders.split(','),
  };
}

/** Ids of connections are the adapter's own: they are encoded to contain no spaces. */
export const decoded = (answer: readonly string[]): readonly string[] =>
  answer.map((field, i) => (i === 1 ? decodeURIComponent(field) : field));

export function readAsked({ fields, begun }: Answer, place: Place, isLetGo: (key: string) => boolean): Asked {
  const [how, id = '', openedAt, names = '-', allowed = '-', logAt] = fields;
  const isOurs = how === 'new' || how === 'mine';
  const found = isOurs ? 'new' : (how as FoundVisit['found']);
  const allowedUntil = allowed === '!' ? undefined : readAllowed(allowed);
  return {
    found: { id, openedAt: Number(openedAt), found, names: readNames(names), allowedUntil },
    logAt: Number(logAt),
    place,
    begun: how === 'new' ? begun : undefined,
    isPassedOn: allowed === '!',
    isLetGo: isLetGo(`${encodeURIComponent(id)} ${openedAt}`),
  };
}
