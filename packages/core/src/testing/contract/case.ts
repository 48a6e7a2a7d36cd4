import type { TrackerOptions } from '../../types/options.js';
import type { World } from './world.js';

/** One rule that every adapter keeps. */
export interface Case {
  name: string;
  options?: TrackerOptions;
  test: (world: World) => Promise<void>;
}
