import { stringify } from 'node:querystring';
import type { RtmpSession2 } from './shapes.js';

type Status = Parameters<RtmpSession2['sendStatusMessage']>;

const heirs = new WeakSet<RtmpSession2>();

/** It will publish in place of another, or be told why not. */
export const isHeir = (session: RtmpSession2): boolean => heirs.has(session);

/**
 * A client asks to publish where the current publisher is silent: the server will refuse it right after notifying us. That
 * refusal is suppressed.
 *
 * @returns a function to call after the server's decision: it returns one that makes the session publish once the old one has
 *   gone, or undefined if it was not refused for that reason
 */
export function outliveRefusal(session: RtmpSession2): () => (() => void) | undefined {
  const { appname, publishArgs, publishStreamId, publishStreamPath } = session;
  const said: Status[] = [];
  let isRefused = false;
  heirs.add(session);
  session.reject = () => {
    isRefused = true;
  };
  session.sendStatusMessage = (...status) => void said.push(status);
  return () => {
    Reflect.deleteProperty(session, 'reject');
    Reflect.deleteProperty(session, 'sendStatusMessage');
    if (isRefused) return () => publish(session, publishStreamId, nameOf(appname, publishStreamPath, publishArgs));
    heirs.delete(session);
    for (const status of said) session.sendStatusMessage(...status);
    return undefined;
  };
}

function nameOf(app: string, path: string, args: RtmpSession2['publishArgs']): string {
  const query = stringify(args);
  return `${path.slice(`/${app}/`.length)}${query && '?'}${query}`;
}

/** As the server does after reading the command, whatever it has read since. */
function publish(session: RtmpSession2, streamId: number, streamName: string): void {
  const current = session.parserPacket;
  session.parserPacket = { ...current, header: { ...current.header, stream_id: streamId } };
  session.onPublish({ streamName });
  session.parserPacket = current;
  heirs.delete(session);
}
