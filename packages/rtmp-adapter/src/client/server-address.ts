/** Longer addresses are not read. */
const MAX_ADDRESS = 4096;

/** Where a client says that it connects to: encoders have a field for the server, and some put a token into it. */
export interface ServerAddress {
  /** The name of the application, as the client gave it. */
  readonly app: string;
  /** Without `?`. */
  readonly query: string;
}

/**
 * Reads `app` and `tcUrl` of a `connect`. `tcUrl` is the address as it was entered, so its query is taken, if it is of the
 * same application: version 2 takes the first slash out of `app`, wherever that is.
 */
export function serverAddress(app: unknown, tcUrl: unknown): ServerAddress {
  const named = parted(textOf(app));
  const entered = parted(textOf(tcUrl).replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, ''));
  const isSame = entered.app.replaceAll('/', '') === named.app.replaceAll('/', '');
  return { app: named.app, query: (isSame && entered.query) || named.query };
}

const textOf = (value: unknown): string => (typeof value === 'string' && value.length <= MAX_ADDRESS ? value : '');

function parted(text: string): ServerAddress {
  const at = text.indexOf('?');
  return at < 0 ? { app: text, query: '' } : { app: text.slice(0, at), query: text.slice(at + 1) };
}

/** The query of the stream's name and that of the server's address: a parameter that differs stands in it twice. */
export const joined = (...queries: string[]): string => queries.filter(Boolean).join('&');
