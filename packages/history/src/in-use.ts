import { StreamSessionsError } from '@stream-sessions/core';

/** Two processes in one folder would silently lose each other's rows. */
export const inUse = (folder: string, pid: number | undefined): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_HISTORY_IN_USE',
    `${folder} is in use by process ${pid ?? '?'}: a folder of history belongs to one process. If that process is on another ` +
      `host and has ended, remove ${folder}.lock-*.`,
  );
