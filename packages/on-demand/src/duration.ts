const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration in Go's notation, `1h30m`, `90s`, `1.5h`; undefined if it is invalid or negative. */
export function goDuration(text: unknown): number | undefined {
  if (typeof text !== 'string' || text.length > 64) return undefined;
  if (text === '0') return 0;
  if (!/^\+?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.replace('+', '').split(/(?<=[a-zµμ])(?=[\d.])/);
  return parts.reduce((sum, part) => {
    const unit = part.replace(/[\d.]/g, '');
    return sum + Number(part.slice(0, -unit.length)) * (UNITS[unit] as number);
  }, 0);
}
