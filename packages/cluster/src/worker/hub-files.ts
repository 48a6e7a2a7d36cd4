/** Readable and writable by this user only. */
export const OWN_MODE = 0o600;

export function warnOfFile(message: string): void {
  process.emitWarning(message, { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_CLUSTER_FILE' });
}
