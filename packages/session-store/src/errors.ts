import { StreamSessionsError } from '@stream-sessions/core';

/** An error of this package: `status` is the matching HTTP status, with which Express and others respond. */
export type SessionStoreError = StreamSessionsError & {
  /** 400, 404, 409, 413, 500 or 503. */
  readonly status: number;
};

export const withStatus = (status: number, error: StreamSessionsError): SessionStoreError =>
  Object.assign(error, { status });

/** The given session does not exist, or no longer exists. */
export const notFound = (): SessionStoreError =>
  withStatus(404, new StreamSessionsError('ERR_SESSION_NOT_FOUND', 'session not found'));

export const alreadyExists = (id: string): SessionStoreError =>
  withStatus(409, new StreamSessionsError('ERR_SESSION_EXISTS', `session ID "${id}" already exists`));

export const emptyId = (): SessionStoreError =>
  withStatus(400, new StreamSessionsError('ERR_BAD_SESSION_ID', 'session ID cannot be empty'));

export function malformedId(id: unknown): SessionStoreError {
  const shown = typeof id === 'string' ? JSON.stringify(id.slice(0, 64)) : typeof id;
  const text = `invalid session ID format: ${shown}. It has to be a UUID, such as randomUUID() makes.`;
  return withStatus(400, new StreamSessionsError('ERR_BAD_SESSION_ID', text));
}

export const badSession = (what: string, cause?: unknown): SessionStoreError =>
  withStatus(400, new StreamSessionsError('ERR_BAD_SESSION', what, { cause }));

export const badType = (type: unknown): SessionStoreError =>
  withStatus(
    400,
    new StreamSessionsError(
      'ERR_BAD_SESSION_TYPE',
      `invalid session type: ${typeof type === 'string' ? JSON.stringify(type.slice(0, 64)) : typeof type}`,
    ),
  );

export const tooLarge = (length: number, max: number): SessionStoreError =>
  withStatus(
    413,
    new StreamSessionsError(
      'ERR_SESSION_TOO_LARGE',
      `The session is ${length} characters as JSON, more than ${max}. Keep large data elsewhere, and its key in the session.`,
    ),
  );

export const disconnected = (): SessionStoreError =>
  withStatus(503, new StreamSessionsError('ERR_SESSION_DISCONNECTED', 'session is disconnected'));

export const channelFull = (): SessionStoreError =>
  withStatus(503, new StreamSessionsError('ERR_CHANNEL_FULL', 'message channel is full'));

export const badMessage = (what: string): SessionStoreError =>
  withStatus(400, new StreamSessionsError('ERR_BAD_MESSAGE', what));

export const conflict = (id: string, tries: number): SessionStoreError =>
  withStatus(
    409,
    new StreamSessionsError(
      'ERR_CONFLICT',
      `Session ${id} was changed by others in each of ${tries} tries. Nothing was saved; try again.`,
    ),
  );

export const stopped = (): SessionStoreError =>
  withStatus(503, new StreamSessionsError('ERR_MANAGER_STOPPED', 'The session manager is stopped. Create a new one.'));

export const storeClosed = (): SessionStoreError =>
  withStatus(503, new StreamSessionsError('ERR_STORE_CLOSED', 'The session storage is closed. Create a new one.'));

export const storeFull = (what: string, cause?: unknown): SessionStoreError =>
  withStatus(503, new StreamSessionsError('ERR_STORE_FULL', what, { cause }));

/** What is stored under the id is not a valid session: another program wrote it, or it was damaged. */
export const corrupt = (id: string, what: string, cause?: unknown): SessionStoreError =>
  withStatus(
    500,
    new StreamSessionsError('ERR_STORE_CORRUPT', `What is stored for session ${id} is not a session: ${what}.`, {
      cause,
    }),
  );
