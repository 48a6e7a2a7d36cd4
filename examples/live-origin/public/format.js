/** How figures read: 1.2 MB, 840 kbit/s, 1:05, Chrome 140 on Linux. */

const scaled = (value, step, units) => {
  let i = 0;
  while (value >= step && i < units.length - 1) {
    value /= step;
    i += 1;
  }
  return `${value < 10 && i > 0 ? value.toFixed(1) : Math.round(value)} ${units[i]}`;
};

export const bytes = (count) => scaled(count, 1000, ['B', 'kB', 'MB', 'GB', 'TB']);
export const bitrate = (perSecond) => scaled(perSecond, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']);

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const AGENTS = [
  [/Edg\/(\d+)/, 'Edge'],
  [/OPR\/(\d+)/, 'Opera'],
  [/(?:Headless)?Chrom(?:e|ium)\/(\d+)/, 'Chrome'],
  [/Firefox\/(\d+)/, 'Firefox'],
  [/Version\/(\d+)(?:\.\d+)*(?: Mobile(?:\/\w+)?)? Safari/, 'Safari'],
  [/AppleCoreMedia\/([\d.]+)/, 'Apple player'],
  [/VLC\/([\d.]+)/, 'VLC'],
  [/Lavf\/?(\d+)/, 'FFmpeg, Lavf'],
  [/^(?:LNX|WIN|MAC) (\d+)/, 'RTMP player, Flash'],
  [/curl\/([\d.]+)/, 'curl'],
];
const SYSTEMS = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux|X11/, 'Linux'],
];

/** A User-Agent as a person says it; the whole of it where nothing is recognised. */
export function agent(text = '') {
  const known = AGENTS.map(([pattern, name]) => [pattern.exec(text), name]).find(([match]) => match);
  const system = SYSTEMS.find(([pattern]) => pattern.test(text))?.[1];
  if (!known) return text || 'no name given';
  return `${known[1]} ${known[0][1]}${system ? ` on ${system}` : ''}`;
}

const countries = new Intl.DisplayNames(undefined, { type: 'region', fallback: 'code' });
export function country(code) {
  try {
    return code ? countries.of(code) : '';
  } catch {
    return code; // not a region that the browser knows
  }
}
