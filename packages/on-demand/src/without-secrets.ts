import { hideSecrets, withoutUserinfo } from '@stream-sessions/core/spi';

/**
 * What a driver says, in a form that may be shown: programs and servers quote the URLs that they were given, with passwords and
 * keys. Word by word, so that what follows a URL is kept.
 */
export const withoutSecrets = (text: string): string =>
  withoutUserinfo(text, 'hidden/').replace(/[^\s"'`<([{]\S*/g, (word) => hideSecrets(word));

/** Likewise an error for the log, without its cause. */
export function errorWithoutSecrets(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? withoutSecrets(error) : error;
  const { name, message, stack = '' } = error;
  const shown = new Error(withoutSecrets(message));
  return Object.assign(shown, { name, stack: withoutSecrets(stack), ...('code' in error && { code: error.code }) });
}
