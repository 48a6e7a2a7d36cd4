import type { CloseReason, PlaySession, SessionKind } from '@stream-sessions/core';
import { readAbout, readText, readTime } from './fields.js';
import { HOW } from './outbox-steps.js';

/** What a step has caused, as stored in the outbox: everything that Redis knows about it. */
export interface Happening {
  readonly how: 'opened' | 'closed';
  readonly id: string;
  readonly openedAt: number;
  readonly kind: SessionKind;
  readonly stream: string;
  readonly updatedAt: number;
  readonly bytes: number;
  readonly bytesReceived: number;
  /** For a visit that has closed. */
  readonly reason: CloseReason;
  /** Of one that has begun: its place. */
  readonly where: string;
}

export const readHappenings = (text: string): Happening[] =>
  text === '' ? [] : text.split('\n').map((line) => readLine(line.split(' ')));

function readLine(fields: readonly string[]): Happening {
  const [how, id = '', openedAt = '', about = '', reason = '', updatedAt = openedAt, bytes = 0, received = 0] = fields;
  const isOpened = how === HOW.opened;
  const { kind, stream } = readAbout(about);
  return {
    how: isOpened ? 'opened' : 'closed',
    id: readText(id),
    openedAt: readTime(openedAt),
    kind,
    stream,
    updatedAt: readTime(updatedAt),
    bytes: Number(bytes),
    bytesReceived: Number(received),
    reason: isOpened ? '' : readText(reason),
    where: isOpened ? reason : '',
  };
}

const SHORT_ID = 8;

/** A visit about which no living node knows more than this: no protocol, address or User-Agent. */
export function strangerOf(
  known: Pick<Happening, 'id' | 'kind' | 'stream' | 'openedAt'> & Partial<Happening>,
): PlaySession {
  const { id, kind, stream, openedAt, updatedAt = openedAt, bytes = 0, bytesReceived = 0 } = known;
  // one literal: hundreds of thousands may be lost with a node
  return Object.freeze({
    id,
    kind,
    stream,
    streams: [stream],
    protocol: '',
    protocols: [],
    ip: '',
    ips: [],
    userName: id.slice(0, SHORT_ID),
    namedBy: 'fingerprint',
    secure: false,
    dvr: false,
    connections: 0,
    tags: {},
    openedAt,
    updatedAt,
    bytes,
    bytesReceived,
    durationMs: Math.max(0, updatedAt - openedAt),
  });
}
