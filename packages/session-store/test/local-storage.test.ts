import { fakeClock } from '@stream-sessions/core/testing';
import { localStorage } from '@stream-sessions/session-store';
import { storageContract } from '@stream-sessions/session-store/testing';

storageContract({
  name: 'localStorage()',
  start: () => {
    const clock = fakeClock();
    return {
      storage: localStorage({ clock }),
      now: () => clock.now(),
      elapse: (ms) => clock.advance(ms),
    };
  },
  skip: [
    {
      case: 'a storage that is away says so and never "absent", and answers again when it is back',
      reason: 'memory is never away',
    },
  ],
});
