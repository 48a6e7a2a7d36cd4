import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../errors.js';
import { OWN_MODE, warnOfFile } from './hub-files.js';
import type { Entry, Store, Stream } from './store.js';

const NAME = 'left';

/** Scores as texts: some are infinite. */
type Line =
  | readonly [key: string, expiresAt: number | null, kind: 'text', value: string]
  | readonly [
      key: string,
      expiresAt: number | null,
      kind: 'hash' | 'zset',
      value: readonly (readonly [string, string])[],
    ]
  | readonly [key: string, expiresAt: number | null, kind: 'stream', value: Stream];

/**
 * Leaves everything that a hub has to the next one, in a file of their folder: what was known of visits whose nodes have let go of
 * them is nowhere else. All at once, because it may be called while the process ends.
 */
export function leave(folder: string, store: Store): void {
  const path = join(folder, NAME);
  const fresh = `${path}.${process.pid}`;
  try {
    rmSync(fresh, { force: true });
    const file = openSync(fresh, 'wx', OWN_MODE);
    try {
      for (const [key, entry] of store.all()) writeFileSync(file, `${JSON.stringify(lineOf(key, entry))}\n`);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
  } catch (error) {
    warn('could not leave what it knows to the next', error);
    rmSync(fresh, { force: true });
  }
}

/** Continues with what the previous hub has left, if it has left anything. */
export function inherit(folder: string, store: Store): void {
  const path = join(folder, NAME);
  try {
    const text = readFileSync(path, 'utf8');
    // nobody else may take it as well
    rmSync(path);
    const lines = text.split('\n').slice(0, -1);
    for (const line of lines.map((each) => JSON.parse(each) as Line)) take(store, line);
    store.sweep();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') warn('cannot read what the previous one has left', error);
  }
}

function lineOf(key: string, entry: Entry): Line {
  const at = entry.expiresAt === Infinity ? null : entry.expiresAt;
  switch (entry.kind) {
    case 'hash':
      return [key, at, entry.kind, [...entry.value]];
    case 'zset':
      return [key, at, entry.kind, Array.from(entry.value, ([member, score]) => [member, String(score)] as const)];
    case 'text':
      return [key, at, entry.kind, entry.value];
    case 'stream':
      return [key, at, entry.kind, entry.value];
  }
}

function take(store: Store, [key, at, kind, value]: Line): void {
  if (kind === 'text') store.setText(key, value, Infinity);
  else if (kind === 'stream') Object.assign(store.write(key, kind), value);
  else if (kind === 'hash') for (const [field, text] of value) store.write(key, kind).set(field, text);
  else for (const [member, score] of value) store.write(key, kind).set(member, Number(score));
  store.expireAt(key, at ?? Infinity);
}

const warn = (what: string, error: unknown): void =>
  warnOfFile(`A hub of the cluster's workers ${what}: ${wordsOf(error)}`);
