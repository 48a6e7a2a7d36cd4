let told = false;

/** Tells, once, that the adapter failed on something the server gave it. The client was cut: nobody plays unjudged. */
export function warnOfFault(error: unknown): void {
  if (told) return;
  told = true;
  process.emitWarning(
    `The RTMP adapter could not handle a connection, and cut it: ${error instanceof Error ? error.message : String(error)}`,
    { code: 'STREAM_SESSIONS_ADAPTER_FAULT', ...(error instanceof Error && { detail: error.stack ?? '' }) },
  );
}
