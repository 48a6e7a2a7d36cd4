import { StreamSessionsError } from '@stream-sessions/core';

const NAMES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['libsrt.1.5.dylib', 'libsrt.dylib', '/opt/homebrew/lib/libsrt.dylib', '/usr/local/lib/libsrt.dylib'],
  win32: ['srt.dll', 'libsrt.dll'],
};

/** Debian has two builds of each version, with different TLS libraries for encryption; either will do. */
const ELSEWHERE = [
  'libsrt.so.1.5',
  'libsrt-gnutls.so.1.5',
  'libsrt-openssl.so.1.5',
  'libsrt.so.1.4',
  'libsrt-gnutls.so.1.4',
  'libsrt-openssl.so.1.4',
  'libsrt.so',
  '/usr/local/lib/libsrt.so',
];

/** Possible names of libsrt, which the system's loader looks up. */
export const libraryNames = (platform: NodeJS.Platform): readonly string[] => NAMES[platform] ?? ELSEWHERE;

/**
 * Loads the first library that can be loaded.
 *
 * @throws StreamSessionsError ERR_SRT_UNAVAILABLE
 */
export function loadFirst<T>(names: readonly string[], load: (name: string) => T): T {
  const reasons: unknown[] = [];
  for (const name of names) {
    try {
      return load(name);
    } catch (error) {
      reasons.push(error);
    }
  }
  throw unavailable(`libsrt was not found (tried ${names.join(', ')}).`, new AggregateError(reasons));
}

/** The error for a machine on which SRT cannot work, including what to do about it. */
export const unavailable = (what: string, cause?: unknown): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_SRT_UNAVAILABLE',
    `${what} Install libsrt 1.4 or 1.5: Debian and Ubuntu "apt-get install libsrt1.5-openssl" (or libsrt1.4-openssl), ` +
      'Fedora "dnf install srt-libs", Alpine "apk add libsrt", macOS "brew install srt". ' +
      "If it is elsewhere, hand it over: createSrtServer({ binding: libsrt('/path/to/libsrt.so') }).",
    { cause },
  );
