import { fakeClock } from '@stream-sessions/core/testing';
import { AskedVisits, type AskedVisit } from '../src/directory/asked-visits.js';

const asked = (id: string, over: Partial<AskedVisit> = {}): AskedVisit => ({
  ...{ id, openedAt: 1, kind: 'viewer', stream: 'cam1', place: { bucket: 0, place: 'p' }, names: [] },
  ...{ allowedUntil: undefined, begun: undefined, isPassedOn: false, ...over },
});

it('AskedVisits gives up a visit that was not used within 15 seconds, and no other', () => {
  const clock = fakeClock();
  const late: string[] = [];
  const visits = new AskedVisits(clock, ({ id }) => void late.push(id));
  for (const id of ['a', 'b']) visits.add(asked(id));
  clock.advance(10_000);
  visits.add(asked('c'));
  expect(visits.take(asked('a'))).toMatchObject({ id: 'a' });
  clock.advance(5_000);
  expect(late).toEqual(['b']);
  clock.advance(15_000);
  expect(late).toEqual(['b', 'c']);
  expect(clock.pending).toBe(0);
});

it('AskedVisits keeps the step that began a visit when the visit is asked about again', () => {
  const visits = new AskedVisits(fakeClock(), () => undefined);
  const begun = { step: '1', told: () => undefined };
  visits.add(asked('a', { begun }));
  visits.add(asked('a', { names: [['token', 'h']] }));
  expect(visits.takeAll()).toEqual([asked('a', { begun, names: [['token', 'h']] })]);
  expect(visits.take(asked('a'))).toBeUndefined();
  visits.stop();
});
