import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import { StreamSessionsError } from '../support/errors.js';
import { parseObject } from '../support/parse-object.js';

const NAME = 'stream-sessions state';
const VERSION = 1;
const LONGEST = 4096;

/** The first line of a state file. */
export interface StateHeader {
  readonly key: string;
  /** The length of the line, including its end. */
  readonly length: number;
}

/**
 * The header of the file, which is created if it does not exist.
 *
 * @throws StreamSessionsError ERR_STATE_UNREADABLE if the file has another format or a later version, in which case it is left
 *   alone; also any file-system error
 */
export function openHeader(path: string): StateHeader {
  const text = firstBytes(path);
  const end = text.indexOf('\n');
  // A header whose writing was cut short counts as absent.
  if (end < 0 && headerOf('').startsWith(text.slice(0, NAME.length))) return make(path);
  const header = parseObject(text.slice(0, end)) as Record<string, unknown> | undefined;
  if (header?.file !== NAME || typeof header.version !== 'number' || typeof header.key !== 'string') {
    throw unreadable(path, 'it is not a state file, or it is damaged');
  }
  if (header.version > VERSION)
    throw unreadable(path, `it is of version ${header.version}, which is newer than this package`);
  return { key: header.key, length: end + 1 };
}

export const headerOf = (key: string): string => `${JSON.stringify({ file: NAME, version: VERSION, key })}\n`;

function make(path: string): StateHeader {
  const key = randomBytes(32).toString('base64url');
  const header = headerOf(key);
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, header);
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
  return { key, length: header.length };
}

function firstBytes(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const bytes = Buffer.alloc(LONGEST);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, LONGEST, 0));
  } finally {
    closeSync(file);
  }
}

const unreadable = (path: string, why: string): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_STATE_UNREADABLE',
    `${path} is left as it is, for ${why}. The tracker runs without it: what happens now does not outlive this process.`,
  );
