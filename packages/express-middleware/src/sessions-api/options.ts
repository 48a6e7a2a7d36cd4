import { type SessionKind, StreamSessionsError } from '@stream-sessions/core';
import { badOption, checkOptions, SESSION_KINDS } from '@stream-sessions/core/spi';
import type { RequestCallback } from '../connect.js';
import type { Action, Authorize } from './access.js';
import type { AnnouncedKey } from './key/announce.js';
import { ApiKey } from './key/api-key.js';
import { openWithKey } from './key/open-with-key.js';
import type { ListSettings } from './query.js';

/** Options of `sessionsApi()`. Everything has a default. */
export interface SessionsApiOptions {
  /**
   * Decides who may use the API: true admits the caller, anything else is answered with 403; throw an error with `status: 401`
   * for 401. `localOnly` is such a function. Default: callers need the key.
   */
  authorize?: RequestCallback<[action: Action], boolean | Promise<boolean>> | undefined;
  /**
   * The key that opens the API without `authorize`: 16 or more letters, digits and `-._~+/`. Several processes behind one address
   * need the same key. It is not printed, and is written only if `keyFile` says where. Default: a new one each time the process
   * starts, printed once on stderr.
   */
  key?: string | undefined;
  /**
   * Where the key is written for scripts, readable only by this user, as a header for `curl -H @file`; `false`: nowhere.
   * Default: `.stream-sessions-key` in the folder where the process was started, if that is writable; nowhere for your
   * own `key`.
   */
  keyFile?: string | false | undefined;
  /** Where a browser finds this API, such as `http://127.0.0.1:8080/api`: printed with the key, as a link. Default none. */
  url?: string | undefined;
  /** Called with the key at once, instead of printing it on stderr: for programs that learn their address only later. */
  announce?: ((key: AnnouncedKey) => void) | undefined;
  /** The kinds that lists show if the request does not specify `kind`. Default all; viewers if `compat` is set. */
  kinds?: readonly SessionKind[] | undefined;
  /** `open-streamer`: for clients of Open-Streamer. Lists show viewers, and unknown query names are ignored. */
  compat?: 'open-streamer' | undefined;
}

const KNOWN: readonly (keyof SessionsApiOptions)[] = [
  'authorize',
  'key',
  'keyFile',
  'url',
  'announce',
  'kinds',
  'compat',
];

/** The options, checked and prepared. */
export interface Prepared {
  readonly authorize: Authorize;
  /** Undefined if `authorize` decides. */
  readonly key: ApiKey | undefined;
  readonly lists: ListSettings;
}

/** @throws StreamSessionsError ERR_BAD_OPTION, ERR_KEY_FILE */
export function prepare(options: SessionsApiOptions): Prepared {
  checkOptions('sessionsApi', options, KNOWN);
  const { authorize, kinds, compat } = options;
  if (compat !== undefined && compat !== 'open-streamer') throw badOption('compat', '"open-streamer"', compat);
  if (
    kinds !== undefined &&
    !(Array.isArray(kinds) && kinds.length > 0 && kinds.every((kind: SessionKind) => SESSION_KINDS.includes(kind)))
  ) {
    throw badOption('kinds', `a list of ${SESSION_KINDS.join(', ')}`, kinds);
  }
  const lenient = compat === 'open-streamer';
  const lists = { kinds: kinds ?? (lenient ? ['viewer' as const] : undefined), lenient };
  if (authorize === undefined) {
    const key = new ApiKey(openWithKey(options));
    return { authorize: (req, action) => key.check(req, action), key, lists };
  }
  if (typeof authorize !== 'function') throw badOption('authorize', 'a function', authorize);
  for (const name of ['key', 'keyFile', 'url', 'announce'] as const) {
    if (options[name] === undefined) continue;
    throw new StreamSessionsError('ERR_BAD_OPTION', `sessionsApi(): "${name}" has no use where "authorize" decides.`);
  }
  return { authorize, key: undefined, lists };
}
