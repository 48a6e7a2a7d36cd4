import type { AnnouncedKey, SessionsApiOptions } from '@stream-sessions/express-middleware';

/** What opens the list of viewers. The media are open to everybody. */
export interface ViewersKey {
  /** For `sessionsApi()`, which makes a key for this run, or takes the one that the environment names. */
  readonly options: SessionsApiOptions;
  /** The page at this origin, to click. It takes the key out of its address bar. */
  pageOf(origin: string): string;
  /** How scripts ask at this origin. */
  scriptFor(origin: string): string;
}

/** KEY is one that outlasts a restart: it is not printed. Ends the program if it cannot be one. */
export function viewersKey(): ViewersKey {
  const own = process.env.KEY || undefined;
  if (own !== undefined && !/^[\w.~+/-]{16,512}=*$/.test(own)) {
    console.error('KEY has to be 16 characters or more: letters, digits and - . _ ~ + /');
    process.exit(1);
  }
  let made: AnnouncedKey = { key: '' };
  return {
    options: { ...(own !== undefined && { key: own }), announce: (told) => (made = told) },
    pageOf: (origin) => (own === undefined ? `${origin}/?key=${made.key}` : `${origin}/`),
    scriptFor(origin) {
      if (made.problem !== undefined) return `no file with the key for scripts: ${made.problem}`;
      const header = own === undefined ? `@${made.file}` : '"Authorization: Bearer $KEY"';
      return `curl -H ${header} ${origin}/api/sessions`;
    },
  };
}
