import cluster from 'node:cluster';

let said = false;

/** Quoted for a shell. */
const quoted = (text: string): string => (/^[\w@.+/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The key of an API, and where scripts find it. */
export interface AnnouncedKey {
  readonly key: string;
  /** The full path of the file; undefined if there is none. */
  readonly file?: string | undefined;
  /** Why the file could not be written, as a sentence. */
  readonly problem?: string | undefined;
}

/**
 * Prints once where the list can be seen, including the key: directly to stderr, because a logger may store messages and send
 * them elsewhere. An API that knows its address always prints it.
 */
export function printKey({ key, file, problem }: AnnouncedKey, url: string | undefined): void {
  if (said && url === undefined) return;
  said = true;
  const where = url ?? '<where the API is mounted>';
  const lines = [`The list of viewers, with the key of this run: ${where}/sessions?key=${key}`];
  if (file !== undefined) lines.push(`For scripts: curl -H ${quoted(`@${file}`)} ${where}/sessions`);
  if (problem !== undefined) lines.push(`No file for scripts: ${problem}`);
  if (cluster.isWorker) {
    lines.push('Each worker of a cluster has made a key of its own: give all of them one, as the option "key".');
  }
  process.stderr.write(lines.map((line) => `stream-sessions: ${line}\n`).join(''));
}
