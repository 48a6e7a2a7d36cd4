import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Sizes in bytes of the files of a stream, in the order in which a player requests them. */
export const SIZES = { 'index.m3u8': 63, 'seg0.ts': 70_001, 'seg1.ts': 1_003 } as const;

/** Longer than all buffers between a server and a client that does not read. */
export const LONG_FILE = { name: 'long.ts', size: 64 * 1024 * 1024 } as const;

const PLAYLIST = '#EXTM3U\n#EXTINF:4,\nseg0.ts\n#EXTINF:4,\nseg1.ts\n'.padEnd(SIZES['index.m3u8'] - 1, '#') + '\n';

/** A folder with two streams, `cam1` and `cam2`, and the function that removes it. */
export function mediaFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sessions-contract-'));
  for (const stream of ['cam1', 'cam2']) {
    mkdirSync(join(folder, stream));
    for (const [name, size] of Object.entries(SIZES)) {
      const content = name.endsWith('.m3u8') ? PLAYLIST : Buffer.alloc(size, name);
      writeFileSync(join(folder, stream, name), content);
    }
    const long = join(folder, stream, LONG_FILE.name);
    writeFileSync(long, '');
    // sparse: it takes up no space
    truncateSync(long, LONG_FILE.size);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
