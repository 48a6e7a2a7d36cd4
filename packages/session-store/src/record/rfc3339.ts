const SHAPE = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * Epoch milliseconds of an RFC 3339 time with up to nine decimals, as Go writes it; what is finer than a millisecond is
 * cut off. Undefined for anything else, such as the 30th of February.
 */
export function parseRfc3339(text: unknown): number | undefined {
  const found = typeof text === 'string' ? SHAPE.exec(text) : null;
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [offsetHour, offsetMinute] = [Number(found[9] ?? 0), Number(found[10] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const date = new Date(0);
  // Date.UTC() takes the years 0 to 99 for those of the twentieth century, and Go's zero time is in the year 1
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const millisecond = Number((found[7] ?? '').padEnd(3, '0').slice(0, 3));
  const offset = (found[8] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000;
  return date.setUTCHours(hour, minute, second, millisecond) - offset;
}

export const formatRfc3339 = (ms: number): string => new Date(ms).toISOString();
