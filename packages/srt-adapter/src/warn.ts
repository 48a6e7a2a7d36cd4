let told = false;

/** Tells, once, that something failed while it judged a caller. The caller was cut: nobody plays unjudged. */
export function warnOfFault(error: unknown): void {
  if (told) return;
  told = true;
  process.emitWarning(
    `The SRT adapter could not judge a caller, and cut it: ${error instanceof Error ? error.message : String(error)}`,
    { code: 'STREAM_SESSIONS_ADAPTER_FAULT', ...(error instanceof Error && { detail: error.stack ?? '' }) },
  );
}
