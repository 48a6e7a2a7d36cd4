import { fakeClock } from '@stream-sessions/core/testing';
import type { Logger } from '@stream-sessions/core';
import type { Part } from '@stream-sessions/core/spi';
import type { ClusterLink } from '../src/link/link.js';
import { Membership } from '../src/membership/membership.js';
import { placeOf, shardOf } from '../src/visits/fields.js';
import { VisitBook } from '../src/visits/visit-book.js';
import { COUNTS, visitsKey } from '../src/visits/visit-steps.js';
import { Scripts } from '../src/worker/scripts.js';
import { Store } from '../src/worker/store.js';

const HOUR_MS = 3_600_000;
const logger = { debug: () => undefined, warn: () => undefined } as unknown as Logger;

/** A viewer in the only bucket and hash that this is about. */
const viewer = { id: 'anna', kind: 'viewer', stream: 'cam', place: 'of anna and ben', names: [] } as const;
const part: Part = { ...viewer, openedAt: 0, updatedAt: 0, bytes: 0, bytesReceived: 0 };
const { bucket, place } = placeOf(viewer);
const KEYS = [COUNTS, visitsKey(shardOf(place))];

async function bookInMemory() {
  const clock = fakeClock();
  const store = new Store();
  const scripts = new Scripts(store);
  const link = {
    run: (step, of, keys, args) => {
      store.now = clock.now();
      return Promise.resolve(
        scripts.run(
          step.lua,
          keys.map((key) => `${of} ${key}`),
          args,
        ),
      );
    },
  } as ClusterLink;
  const parts = { link, clock, logger, name: 'one', config: {}, leaseMs: 100 * HOUR_MS, renewMs: 100 * HOUR_MS };
  const membership = new Membership({ ...parts, onJoined: async () => undefined, onRenewed: () => undefined });
  await membership.join();
  const book = new VisitBook(membership, clock, logger, () => undefined);
  const step = async (id: string): Promise<void> => {
    const claimed = book.claim({ ...part, id, names: [['user', id]] }, 'lost');
    await book.flushed();
    await claimed;
  };
  const hoursLeft = (): number[] =>
    KEYS.map((key) => Math.round(((store.expiryOf(`${bucket} ${key}`) ?? NaN) - clock.now()) / HOUR_MS));
  const end = async (): Promise<void> => {
    book.stop();
    await membership.leave();
  };
  return { clock, step, hoursLeft, look: () => book.latest.look(), end };
}

it('gives new keys an expiry, and extends that of all when it looks for the latest step', async () => {
  const { clock, step, hoursLeft, look, end } = await bookInMemory();
  await step('anna');
  expect(hoursLeft()).toEqual([24, 24]);
  clock.advance(2 * HOUR_MS);
  await step('ben');
  // as little as two calls of Redis
  expect(hoursLeft()).toEqual([22, 22]);
  await look();
  expect(hoursLeft()).toEqual([24, 24]);
  await end();
});
