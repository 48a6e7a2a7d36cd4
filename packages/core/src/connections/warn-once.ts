/**
 * Makes the function with which an adapter tells that it failed on something that its server or a client gave it: once, as a
 * process warning `STREAM_SESSIONS_ADAPTER_FAULT`, for what comes from the network may come a thousand times.
 *
 * @param what What it did instead, as a sentence without its end: `The RTMP adapter could not handle a connection, and cut it`
 */
export function warnOnce(what: string): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (told) return;
    told = true;
    const isError = error instanceof Error;
    process.emitWarning(`${what}: ${isError ? error.message : String(error)}`, {
      code: 'STREAM_SESSIONS_ADAPTER_FAULT',
      ...(isError && { detail: error.stack ?? '' }),
    });
  };
}
