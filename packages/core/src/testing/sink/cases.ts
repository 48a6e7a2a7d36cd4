import assert from 'node:assert/strict';
import type { WireEvent } from '../../types/wire.js';
import { stays } from '../until.js';
import type { SinkCase } from './world.js';

const MANY = 2_500;

const isPair = ({ type }: WireEvent): boolean => type === 'session.opened' || type === 'session.closed';

const assertInOrder = (events: readonly WireEvent[]): void => {
  const numbers = events.map(({ seq }) => seq);
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
    'each event arrives once, in the order of seq',
  );
};

/** What every sink must do, wherever it takes the events. */
export const sinkCases: SinkCase[] = [
  {
    name: 'delivers every event once and in order, with what stop() causes',
    test: async (world) => {
      for (let n = 0; n < MANY; n++) world.open(`viewer ${n}`);
      const arrived = await world.close();
      assertInOrder(arrived);
      const pairs = arrived.filter(isPair);
      assert.equal(pairs.filter(({ type }) => type === 'session.opened').length, MANY);
      assert.equal(pairs.filter(({ type }) => type === 'session.closed').length, MANY);
    },
  },
  {
    name: 'delivers events as they are',
    test: async (world) => {
      const id = world.open('open-sesame');
      const [opened] = (await world.close()).filter(({ type }) => type === 'session.opened');
      assert.equal(opened?.payload['session_id'], id);
      assert.equal(opened?.stream_code, 'cam1');
      assert.match(opened?.occurred_at ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    },
  },
  {
    name: 'shows no token',
    test: async (world) => {
      world.open('open-sesame');
      assert.equal(JSON.stringify(await world.close()).includes('open-sesame'), false);
    },
  },
  {
    name: 'closes without having had an event',
    test: async (world) => assert.deepEqual(await world.close(), []),
  },
  {
    name: 'goes on after a time in which nothing could be delivered',
    test: async (world) => {
      const { subject } = world;
      if (subject.breakDown === undefined || subject.recover === undefined) {
        assert.fail('the harness has no breakDown() and recover(); name this case in `skip`, with the reason');
      }
      await subject.breakDown();
      world.open('before');
      await stays('the sink has the time to try', () => true);
      await subject.recover();
      const id = world.open('after');
      const arrived = await world.close();
      assertInOrder(arrived);
      assert.ok(
        arrived.some(({ type, payload }) => type === 'session.opened' && payload['session_id'] === id),
        'what came after the failure arrives',
      );
    },
  },
];
