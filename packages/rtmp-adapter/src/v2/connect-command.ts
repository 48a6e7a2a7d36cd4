import { withoutUserinfo } from '@stream-sessions/core/spi';
import { serverAddress } from '../client/server-address.js';
import type { V2Session } from './shapes.js';

/** What a client says as it connects. */
export type ConnectCommand = Record<string, unknown>;

const ADDRESSES = ['tcUrl', 'swfUrl', 'pageUrl'] as const;

/** Shared by all who attached to the server: the first of them takes the query out of what the others see. */
const queries = new WeakMap<V2Session, string>();

/**
 * Some clients put the query into the address of the server: version 2 would make it a part of every stream's name. Nor are
 * the secrets in such addresses left for it to log, as it does next.
 */
export function takeQuery(session: V2Session, said: ConnectCommand): void {
  const { app, query } = serverAddress(said.app, said.tcUrl);
  said.app = app;
  if (query) queries.set(session, query);
  for (const name of ADDRESSES) {
    const address = said[name];
    if (typeof address === 'string') said[name] = bare(address);
  }
}

/** That of the address which the client connected to; '' when it has none. */
export const serverQueryOf = (session: V2Session): string => queries.get(session) ?? '';

/** Nothing, where a password may be left: those of some addresses have a `?` in them. */
function bare(address: string): string {
  const plain = withoutUserinfo(address);
  return plain.includes('@') ? '' : (plain.split(/[?#]/, 1)[0] as string);
}
