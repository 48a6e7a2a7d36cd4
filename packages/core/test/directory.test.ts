import type { SessionDirectory } from '../src/index.js';
import { needDirectory } from '../src/spi.js';
import { hit, setup } from './support/make.js';

describe('a tracker', () => {
  it('is a directory of its sessions', async () => {
    const { tracker } = setup();
    const directory: SessionDirectory = tracker; // or this does not compile
    needDirectory('x', directory);
    const id = tracker.trackHttp(hit())?.id ?? '';
    expect(await directory.get(id)).toMatchObject({ id });
    expect(await directory.kick(id)).toBe(true);
  });
});
