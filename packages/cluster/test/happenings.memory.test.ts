import { heldBytes } from '@stream-sessions/core/testing';
import { readHappenings } from '../src/visits/happening.js';

it('ids and streams of what has happened do not keep the answer that they came in', () => {
  const count = 500;
  const line = (n: number): string =>
    `c session-of-a-viewer-${n} m3abcdef v:stream-number-${n} a-reason-of-some-length`;
  const answer = (n: number): string =>
    Buffer.from(Array.from({ length: 200 }, (_, i) => line(200 * n + i)).join('\n')).toString();
  const kept = Array.from({ length: count }, () => ({ id: '', stream: '', reason: '' }));
  const before = heldBytes();
  for (let n = 0; n < count; n++) {
    const [{ id, stream, reason }] = readHappenings(answer(n)) as [ReturnType<typeof readHappenings>[0]];
    kept[n] = { id, stream, reason };
  }
  expect((heldBytes() - before) / count).toBeLessThan(1_000);
  expect(kept[1]).toEqual({
    id: 'session-of-a-viewer-200',
    stream: 'stream-number-200',
    reason: 'a-reason-of-some-length',
  });
});
