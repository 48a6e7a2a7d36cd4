let told = false;

/** Tells, once, that something of the server or of its user failed on a request. The client was refused or cut: nobody plays unjudged. */
export function warnOfFault(error: unknown): void {
  if (told) return;
  told = true;
  process.emitWarning(
    `The RTSP adapter could not handle a request, and refused it: ${error instanceof Error ? error.message : String(error)}`,
    { code: 'STREAM_SESSIONS_ADAPTER_FAULT', ...(error instanceof Error && { detail: error.stack ?? '' }) },
  );
}
