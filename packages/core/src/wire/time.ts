const SECOND = 1000;
/** The text after the seconds. */
const MILLISECONDS = Array.from({ length: SECOND }, (_, ms) => `.${String(ms).padStart(3, '0')}Z`);

/** A time as JSON: RFC 3339 in UTC. */
export const iso = (ms: number): string => new Date(ms).toISOString();

export const isoOrAbsent = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : iso(ms));

/** The number of seconds remembered: about a minute. */
const REMEMBERED = 64;

/** Formats times that are usually close together: times within one second share the expensive part. */
export function isoWithMemory(): (ms: number) => string {
  const seconds = new Float64Array(REMEMBERED).fill(NaN);
  const beginnings: string[] = new Array<string>(REMEMBERED).fill('');
  return (ms) => {
    const whole = Math.trunc(ms);
    const second = Math.floor(whole / SECOND);
    const place = second & (REMEMBERED - 1);
    if (seconds[place] !== second) {
      beginnings[place] = iso(ms).slice(0, -5);
      seconds[place] = second;
    }
    return (beginnings[place] as string) + (MILLISECONDS[whole - second * SECOND] as string);
  };
}
