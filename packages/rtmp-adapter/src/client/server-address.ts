/** Longer addresses are ignored. */
const MAX_ADDRESS = 4096;

/** The address a client says it is connecting to: encoders have a field for the server, and some put a token into it. */
export interface ServerAddress {
  /** The name of the application, as given by the client. */
  readonly app: string;
  /** Without `?`. */
  readonly query: string;
}

/**
 * Parses `app` and `tcUrl` of a `connect`. `tcUrl` is the address as entered, so its query is used if it is for the same
 * application: version 2 removes the first slash from `app`, wherever it is.
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

/** Joins the query of the stream's name and that of the server's address: a parameter with different values occurs twice. */
export const joined = (...queries: string[]): string => queries.filter(Boolean).join('&');
