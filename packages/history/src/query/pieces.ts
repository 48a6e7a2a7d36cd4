const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const down = (at: number, unit: number): number => Math.floor(at / unit) * unit;
const up = (at: number, unit: number): number => Math.ceil(at / unit) * unit;

/** The starts of the minutes, hours, days, hours and minutes, and the end of it all. Epoch milliseconds. */
export type Pieces = readonly [number, number, number, number, number, number];

/**
 * Splits a period into as few pieces as possible: whole days in UTC, whole hours before and after them, and minutes for the rest.
 * It is rounded outwards, and to hours where minutes are no longer kept.
 */
export function piecesOf(from: number, to: number, minutesSince: number): Pieces {
  const start = down(from, from < minutesSince ? HOUR : MINUTE);
  const end = up(to, to < minutesSince ? HOUR : MINUTE);
  let firstHour = up(start, HOUR);
  let lastHour = down(end, HOUR);
  if (firstHour >= lastHour) firstHour = lastHour = end;
  let firstDay = up(firstHour, DAY);
  let lastDay = down(lastHour, DAY);
  if (firstDay >= lastDay) firstDay = lastDay = lastHour;
  return [start, firstHour, firstDay, lastDay, lastHour, end];
}
