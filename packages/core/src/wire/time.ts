const SECOND = 1000;
/** What follows the seconds. */
const MILLISECONDS = Array.from({ length: SECOND }, (_, ms) => `.${String(ms).padStart(3, '0')}Z`);

/** A time as JSON: RFC 3339 in UTC. */
export const iso = (ms: number): string => new Date(ms).toISOString();

export const isoOrAbsent = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : iso(ms));

/** A minute of seconds is remembered. */
const REMEMBERED = 64;

/** Formats times that mostly come near each other: those of one second share what is expensive. */
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
