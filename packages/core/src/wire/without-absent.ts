/** Removes absent values: JSON.stringify would drop them too, but `'x' in wire` should agree with it. */
export function withoutAbsent<T extends Record<string, unknown>>(record: T): Partial<T> {
  const present: Partial<T> = {};
  for (const key in record) if (record[key] !== undefined) present[key] = record[key];
  return present;
}
