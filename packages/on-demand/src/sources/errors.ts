import { StreamSessionsError } from '@stream-sessions/core';

export const noSource = (stream: string): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_NO_SOURCE',
    `No pattern of createSources() matches the stream ${JSON.stringify(stream)}.`,
  );

export const tooManySources = (max: number): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_TOO_MANY_SOURCES',
    `${max} streams have a source that runs or is waited for. Try again when fewer are asked for.`,
  );

export const leaseNotHeld = (stream: string): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_LEASE_NOT_HELD',
    `Another process decides about ${JSON.stringify(stream)}: only there can its source be put to sleep.`,
  );
