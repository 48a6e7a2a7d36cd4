import type { ActiveCount } from '@stream-sessions/core';
import { labelText } from './label-text.js';
import type { Sample } from './sample.js';

/** The name for all streams that have no label of their own. */
export const OTHER = 'other';

/**
 * Live sessions by stream, protocol and kind: for the streams with the most sessions, and for the rest together.
 *
 * @param named How many streams have a label of their own; false: no label names a stream
 */
export function activeSamples(counts: readonly ActiveCount[], named: number | false): Sample[] {
  const nameOf = named === false ? () => '' : largest(counts, named);
  const cells = new Map<string, Sample>();
  for (const { stream, protocol: given, kind, active } of counts) {
    const name = nameOf(stream);
    const protocol = labelText(given);
    const key = `${name}\0${protocol}\0${kind}`;
    const cell = cells.get(key);
    if (cell !== undefined) {
      cell.value += active;
      continue;
    }
    const how = { protocol, kind };
    cells.set(key, { labels: named === false ? how : { stream: name, ...how }, value: active });
  }
  return [...cells.values()];
}

/** The label of a stream: its own name if it is one of the `max` with the most sessions; ties are resolved by name. */
function largest(counts: readonly ActiveCount[], max: number): (stream: string) => string {
  const sums = new Map<string, number>();
  for (const { stream, active } of counts) sums.set(stream, (sums.get(stream) ?? 0) + active);
  const sorted = [...sums].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
  const labels = new Map(sorted.slice(0, max).map(([stream]) => [stream, labelText(stream)]));
  return (stream) => labels.get(stream) ?? OTHER;
}
