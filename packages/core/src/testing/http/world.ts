import assert from 'node:assert/strict';
import type { PlaySession } from '../../types/play-session.js';
import { createTracker } from '../../tracker/create-tracker.js';
import type { TrackerOptions } from '../../types/options.js';
import type { SessionTracker } from '../../types/tracker.js';
import type { HttpHarness } from './harness.js';
import { mediaFolder } from './media-folder.js';
import { HttpPlayer, type Asked } from './player.js';

/** One rule that every HTTP adapter keeps. */
export interface HttpCase {
  name: string;
  options?: TrackerOptions;
  test: (world: HttpWorld) => Promise<void>;
}

const silent = (): void => undefined;

/** One tracker and one server with the adapter, for a single case. */
export class HttpWorld {
  private readonly players: HttpPlayer[] = [];

  private constructor(
    readonly tracker: SessionTracker,
    private readonly url: string,
  ) {}

  /** Runs a case in a world of its own, which is stopped afterwards. */
  static async run(harness: HttpHarness, one: HttpCase): Promise<void> {
    const logger = { debug: silent, info: silent, warn: silent, error: silent };
    const tracker = createTracker({ logger, ...one.options });
    const { folder, remove } = mediaFolder();
    const server = await harness.start(tracker, folder);
    const world = new HttpWorld(tracker, server.url.replace(/\/$/, ''));
    try {
      await one.test(world);
    } finally {
      for (const player of world.players) player.close();
      await server.stop();
      await tracker.stop();
      remove();
    }
  }

  player(asked: Asked = {}): HttpPlayer {
    const player = new HttpPlayer(this.url, asked);
    this.players.push(player);
    return player;
  }

  viewers(): PlaySession[] {
    return this.tracker.list({ status: 'active' });
  }

  /** The only live viewer; fails if there is none, or more than one. */
  viewer(): PlaySession {
    const viewers = this.viewers();
    assert.equal(viewers.length, 1, 'there is one live viewer');
    return viewers[0] as PlaySession;
  }
}
