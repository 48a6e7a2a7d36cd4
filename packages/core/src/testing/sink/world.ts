import assert from 'node:assert/strict';
import type { WireEvent } from '../../types/wire.js';
import { createTracker } from '../../tracker/create-tracker.js';
import type { SessionTracker } from '../../types/tracker.js';
import { fakeClock } from '../fake-clock.js';
import type { RunningSink, SinkHarness } from './harness.js';

/** One rule that every sink keeps. */
export interface SinkCase {
  name: string;
  test: (world: SinkWorld) => Promise<void>;
}

const silent = (): void => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: silent };

/** A sink behind a tracker. */
export class SinkWorld {
  readonly tracker: SessionTracker;

  private constructor(readonly subject: RunningSink) {
    this.tracker = createTracker({ clock: fakeClock(), logger });
    this.tracker.addSink(subject.sink);
  }

  /** Runs a case in a world of its own, which is stopped afterwards. */
  static async run(harness: SinkHarness, one: SinkCase): Promise<void> {
    const subject = await harness.start();
    const world = new SinkWorld(subject);
    try {
      await one.test(world);
    } finally {
      await world.tracker.stop();
      await subject.stop?.();
    }
  }

  /** Opens a viewer's session. */
  open(token: string): string {
    const admission = this.tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token });
    assert.ok(!('then' in admission) && admission.admitted);
    admission.handle.end(1_000);
    return admission.handle.session?.id ?? '';
  }

  /** Stops the tracker, which delivers every event and closes the sink. */
  async close(): Promise<readonly WireEvent[]> {
    await this.tracker.stop();
    return this.subject.arrived();
  }
}
