import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** What the media folder holds, by path: each file's size tells it from the others. */
export const FILES: Record<string, number> = {
  'cam1/index.m3u8': 301,
  'cam1/seg0.ts': 13_000,
  'cam1/720p/seg1.ts': 150_001,
  'cam1/manifest.mpd': 402,
  'cam1/init.mp4': 1_003,
  'cam1/seg1.m4s': 20_004,
  'cam1/notes.txt': 55,
  'cam2/index.m3u8': 305,
  'cam2/seg0.ts': 13_006,
  'caméra é/seg0.ts': 777,
};

/** A folder with `FILES`, and the function that removes it. */
export function mediaFolder(): { folder: string; remove(): void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stream-sessions-media-'));
  for (const [name, size] of Object.entries(FILES)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, Buffer.alloc(size, name));
  }
  return { folder, remove: () => fs.rmSync(folder, { recursive: true }) };
}
