import { withoutUserinfo } from '@stream-sessions/core/spi';
import { serverAddress } from '../client/server-address.js';
import type { V2Session } from './shapes.js';

/** The command object of a client's `connect`. */
export type ConnectCommand = Record<string, unknown>;

const ADDRESSES = ['tcUrl', 'swfUrl', 'pageUrl'] as const;

/** Shared by all attachments to the server: the first one removes the query from what the others see. */
const queries = new WeakMap<V2Session, string>();

/**
 * Some clients put the query into the address of the server: version 2 would make it part of every stream's name. Secrets in such
 * addresses are removed as well, because the server logs them next.
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

/** The query of the address that the client connected to; '' if it has none. */
export const serverQueryOf = (session: V2Session): string => queries.get(session) ?? '';

/** Empty if a password may remain: in some addresses it contains a `?`. */
function bare(address: string): string {
  const plain = withoutUserinfo(address);
  return plain.includes('@') ? '' : (plain.split(/[?#]/, 1)[0] as string);
}
