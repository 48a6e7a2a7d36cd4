/**
 * Makes the function with which an adapter reports that it failed on something from its server or a client. It warns only once,
 * as the process warning `STREAM_SESSIONS_ADAPTER_FAULT`, because what comes from the network may come a thousand times.
 *
 * @param what What the adapter did instead, as a sentence without the full stop: `The RTMP adapter could not handle a connection,
 *   and cut it`
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
