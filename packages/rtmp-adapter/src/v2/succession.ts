import { stringify } from 'node:querystring';
import type { RtmpSession2 } from './shapes.js';

type Status = Parameters<RtmpSession2['sendStatusMessage']>;

const heirs = new WeakSet<RtmpSession2>();

/** It will publish in the place of another, or be told why not. */
export const isHeir = (session: RtmpSession2): boolean => heirs.has(session);

/**
 * Somebody comes to publish where the publisher is silent: the server will refuse it as soon as it has told us. That refusal is
 * kept from it.
 *
 * @returns ask it when the server has had its say: what has the session publish, once the old one has gone; undefined when it
 *   was not refused for that
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

/** As the server does when it has read the command, whatever it has read since. */
function publish(session: RtmpSession2, streamId: number, streamName: string): void {
  const current = session.parserPacket;
  session.parserPacket = { ...current, header: { ...current.header, stream_id: streamId } };
  session.onPublish({ streamName });
  session.parserPacket = current;
  heirs.delete(session);
}
