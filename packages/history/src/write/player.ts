/** Browsers in order: each one also claims to be those after it. */
const BROWSERS = ['Edg', 'OPR', 'SamsungBrowser', 'Firefox', 'CriOS', 'FxiOS', 'Chrome', 'Safari'] as const;
const NAMES: Readonly<Record<string, string>> = { Edg: 'Edge', OPR: 'Opera', CriOS: 'Chrome', FxiOS: 'Firefox' };
/** The longest name taken from a text that somebody else made up. */
const MAX_LENGTH = 32;

/** The player in one word, for statistics: `Chrome`, `VLC`, `Lavf`; `unknown` if it does not say. */
export function playerOf(userAgent: string | undefined): string {
  if (userAgent === undefined || userAgent === '') return 'unknown';
  if (userAgent.startsWith('Mozilla/')) {
    const found = BROWSERS.find((browser) => userAgent.includes(`${browser}/`));
    return found === undefined ? 'browser' : (NAMES[found] ?? found);
  }
  const [name = ''] = /^[^\s/,;(]+/.exec(userAgent) ?? [];
  return name.slice(0, MAX_LENGTH) || 'unknown';
}
