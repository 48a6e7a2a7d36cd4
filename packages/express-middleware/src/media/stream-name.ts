/** How the stream is read from the path: its first directory, or all of them. */
export type StreamRule = 'first-segment' | 'dirname';

/**
 * The stream a file belongs to, in the one spelling all adapters use: no slashes at the ends, no leading `live/`.
 * A file right at the mount belongs to the stream the mount is named after.
 *
 * @param path Below the mount, already resolved.
 * @param mount The mount path, resolved too. Routers match it whatever its case, so it is read in lower case.
 * @returns undefined when neither names a stream.
 */
export function streamName(path: string, rule: StreamRule, mount: () => string): string | undefined {
  const directory = withoutLive(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  if (directory === '') return withoutLive(mount().toLowerCase()) || undefined;
  if (rule === 'dirname') return directory;
  const end = directory.indexOf('/');
  return end < 0 ? directory : directory.slice(0, end);
}

/** Under a router that mounts `/live`, `/LIVE/cam1` is the same file. */
function withoutLive(directory: string): string {
  const first = directory.charCodeAt(0) | 0x20;
  if (first !== 0x6c /* l */ || directory.slice(0, 4).toLowerCase() !== 'live') return directory;
  if (directory.length === 4) return 'live';
  return directory.charCodeAt(4) === 0x2f /* / */ ? directory.slice(5) : directory;
}
