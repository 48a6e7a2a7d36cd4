import { StreamSessionsError } from '@stream-sessions/core';
import { MAX_STREAM_LENGTH, ownCopy } from '@stream-sessions/core/spi';
import type { NewConnection } from './connection.js';

const MAX_ID = 256;
const MAX_USER = 1_024;

/** @throws StreamSessionsError ERR_BAD_CONNECTION */
export function checkNew(connection: NewConnection): void {
  const bad = (field: string): StreamSessionsError =>
    new StreamSessionsError(
      'ERR_BAD_CONNECTION',
      `A connection needs a "${field}" that is a string, neither empty nor too long.`,
    );
  const { id, sessionId, clientIp, userId, userAgent, token, sid, protocol } = connection ?? {};
  const isText = (value: unknown, max: number): boolean =>
    typeof value === 'string' && value !== '' && value.length <= max;
  if (id !== undefined && !isText(id, MAX_ID)) throw bad('id');
  if (!isText(sessionId, MAX_STREAM_LENGTH)) throw bad('sessionId');
  if (!isText(clientIp, MAX_ID)) throw bad('clientIp');
  if (userId !== undefined && !(typeof userId === 'string' && userId.length <= MAX_USER)) throw bad('userId');
  for (const [field, value] of Object.entries({ userAgent, token, sid })) {
    if (value !== undefined && typeof value !== 'string') throw bad(field);
  }
  if (protocol !== undefined && !isText(protocol, MAX_ID)) throw bad('protocol');
}

const MAX_AGENT = 2_048;

/** Copies what is kept, so that it does not hold slices of a request in memory. */
export function copyOf(connection: NewConnection): NewConnection {
  const { userId, userAgent, token, sid, protocol } = connection;
  return {
    sessionId: ownCopy(connection.sessionId),
    clientIp: ownCopy(connection.clientIp),
    userId: userId === undefined ? undefined : ownCopy(userId),
    userAgent: userAgent === undefined ? undefined : ownCopy(userAgent.slice(0, MAX_AGENT)),
    token: token === undefined ? undefined : ownCopy(token),
    sid: sid === undefined ? undefined : ownCopy(sid),
    protocol,
  };
}

export const connectionExists = (id: string): StreamSessionsError =>
  new StreamSessionsError('ERR_CONNECTION_EXISTS', `There is a connection "${id}" already, and it is kept.`);

export const tooManyConnections = (max: number): StreamSessionsError =>
  new StreamSessionsError('ERR_TOO_MANY_CONNECTIONS', `${max} connections are open, which is the maximum.`);
