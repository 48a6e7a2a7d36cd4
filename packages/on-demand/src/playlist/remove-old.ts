import { open, rm } from 'node:fs/promises';
import path from 'node:path';

/** The largest playlist in bytes: a larger one is not a live playlist. */
const MAX_BYTES = 1024 * 1024;
/** A multivariant playlist names playlists, which in turn name segments. */
const MAX_DEPTH = 2;

/**
 * Removes a playlist and what it names. Nothing else, because other streams may write to the same folder, and it may contain
 * recordings.
 */
export async function removeOld(file: string): Promise<void> {
  await removeList(file, path.dirname(file), 1);
}

async function removeList(file: string, root: string, depth: number): Promise<void> {
  const text = await read(file);
  if (text === undefined) return;
  for (const name of namesIn(text)) {
    const named = path.resolve(path.dirname(file), name);
    // only files below the folder, because a playlist may name anything
    if (!named.startsWith(path.resolve(root) + path.sep)) continue;
    if (named.endsWith('.m3u8') && depth < MAX_DEPTH) await removeList(named, root, depth + 1);
    else await rm(named, { force: true }).catch(() => undefined); // such as a folder
  }
  await rm(file, { force: true });
}

/** Undefined: it does not exist. */
async function read(file: string): Promise<string | undefined> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(Math.min(MAX_BYTES, (await handle.stat()).size));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The relative names in an HLS playlist. A DASH manifest has templates instead of names, so only the manifest is removed. */
function namesIn(text: string): string[] {
  if (!text.startsWith('#EXTM3U')) return [];
  const names = text.split(/\r?\n/).flatMap((line) => {
    if (!line.startsWith('#')) return [line.trim()];
    return [...line.matchAll(/URI="([^"]{1,1024})"/g)].map(([, name = '']) => name);
  });
  return [...new Set(names.map((name) => name.split('?', 1)[0] as string))].filter(
    (name) => name !== '' && !/^[a-z][a-z0-9+.-]*:|^\/|\0/i.test(name),
  );
}
