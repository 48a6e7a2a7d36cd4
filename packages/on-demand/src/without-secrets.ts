import { hideSecrets, withoutUserinfo } from '@stream-sessions/core/spi';

/** Parameters that cameras and encoders carry a secret in; elsewhere these may be anything. */
const NAMES = ['key', 'auth', 'auth_key', 'authkey', 'streamkey', 'stream_key', 'credential'];

/**
 * What a driver says, in a form that may be shown: programs and servers quote the URLs that they were given, with passwords and
 * keys. Word by word, so that what follows a URL is kept.
 */
export const withoutSecrets = (text: string): string =>
  withoutUserinfo(text, 'hidden/')
    .replace(/\b(Authorization: {0,8}(?:\w{1,16} {1,8})?|Bearer {1,8})[\w~+/.=-]+/gi, '$1hidden')
    .replace(/[^\s"'`<([{]\S*/g, (word) => hideSecrets(word, { parameters: NAMES }));

/** Likewise an error for the log, without its cause. */
export function errorWithoutSecrets(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? withoutSecrets(error) : error;
  const { name, message, stack = '' } = error;
  const shown = new Error(withoutSecrets(message));
  return Object.assign(shown, { name, stack: withoutSecrets(stack), ...('code' in error && { code: error.code }) });
}
