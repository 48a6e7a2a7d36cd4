/** What a user writes in TypeScript with the resolution of old, which does not know `exports`. It has to compile, and to run. */
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { normaliseAddress } from '@stream-sessions/core/spi';
import { fakeClock } from '@stream-sessions/core/testing';
import { trackPlayback } from '@stream-sessions/express-middleware';

const clock = fakeClock(42);
const tracker: SessionTracker = createTracker({ clock, autoStart: false });
trackPlayback(tracker);

console.log(JSON.stringify({ clock: clock.now(), spi: normaliseAddress('::ffff:8.8.8.8') }));
