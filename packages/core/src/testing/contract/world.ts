import assert from 'node:assert/strict';
import type { PlaySession } from '../../types/play-session.js';
import { createTracker } from '../../tracker/create-tracker.js';
import type { SessionTracker } from '../../types/tracker.js';
import type { TrackerOptions } from '../../types/options.js';
import { until } from '../until.js';
import type { PlayedClient, PlayRequest, RunningTransport, TransportHarness } from './harness.js';

/** A client whose end can be polled, however the harness reports it. */
export interface Client {
  received(): number;
  hasEnded(): boolean;
  drop(): void | Promise<void>;
}

function watched(client: PlayedClient): Client {
  let over = false;
  const { ended } = client;
  if (typeof ended !== 'boolean') {
    const note = (): void => {
      over = true;
    };
    ended.then(note, note);
  }
  return {
    received: () => client.received(),
    hasEnded: () => over || client.ended === true,
    drop: () => client.drop(),
  };
}

/** One rule that every adapter keeps. */
export interface Case {
  name: string;
  options?: TrackerOptions;
  test: (world: World) => Promise<void>;
}

/** One tracker and one server with the adapter, for a single case. */
export class World {
  /** Sessions of viewers and publishers that closed, in order. */
  readonly closed: PlaySession[] = [];

  private constructor(
    readonly tracker: SessionTracker,
    private readonly transport: RunningTransport,
  ) {
    tracker.on('closed', ({ session }) => this.closed.push(session));
  }

  /** Runs a case in a world of its own, which is stopped afterwards. */
  static async run(harness: TransportHarness, { options = {}, test }: Case): Promise<void> {
    const silent = (): void => undefined;
    const logger = { debug: silent, info: silent, warn: silent, error: silent };
    const tracker = createTracker({ logger, ...options });
    const transport = await harness.start(tracker);
    try {
      await test(new World(tracker, transport));
    } finally {
      await transport.stop();
      await tracker.stop();
    }
  }

  async play(request: PlayRequest): Promise<Client> {
    return watched(await this.transport.play(request));
  }

  /** Plays and waits until media arrives. */
  async watch(request: PlayRequest): Promise<Client> {
    const client = await this.play(request);
    await until('media reaches the client', () => client.received() > 0);
    return client;
  }

  async publish(request: PlayRequest): Promise<Client> {
    const { transport } = this;
    if (transport.publish === undefined) {
      assert.fail(
        'the running transport has no publish(); name this case in `skip`, with the reason, if nobody can publish',
      );
    }
    return watched(await transport.publish(request));
  }

  async detach(): Promise<void> {
    await this.transport.detach();
  }

  viewers(): PlaySession[] {
    return this.tracker.list({ kind: 'viewer', status: 'active' });
  }

  /** The only live viewer; fails if there is none, or more than one. */
  viewer(): PlaySession {
    const viewers = this.viewers();
    assert.equal(viewers.length, 1, 'there is one live viewer');
    return viewers[0] as PlaySession;
  }

  /** Waits until a refused client has noticed, and checks that it received nothing. */
  async isRefused(client: Client): Promise<void> {
    await until('the refused client is let go', () => client.hasEnded() || client.received() > 0);
    assert.equal(client.received(), 0, 'a refused client gets no media');
  }

  /** Waits until more media arrives. */
  async playsOn(client: Client): Promise<void> {
    const before = client.received();
    await until('the client plays on', () => client.received() > before);
    assert.equal(client.hasEnded(), false, 'its connection is open');
  }
}
