import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { badOption, parseObject } from '@stream-sessions/core/spi';
import { wordsOf } from '../errors.js';
import { OWN_MODE, warnOfFile } from './hub-files.js';
import type { FieldsOfKey, Store } from './store.js';

/** A file is rewritten when it is twice as large as after the last time, and at least this many bytes. */
const SMALL = 1 << 16;

/** The value of a field, null if it has been removed, and when its key expires. */
type Line = readonly [
  key: string,
  kind: FieldsOfKey['kind'],
  expiresAt: number,
  field: string,
  value: string | number | null,
];

/**
 * Checks that the file can be used. Returns its path without links: it is replaced by new ones, and a link to it must stay a link.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function realFile(path: string): string {
  const wrong = (why: string): Error => badOption('denialsFile', `a file that can be written (${why})`, path);
  try {
    const file = openSync(path, 'a+', OWN_MODE);
    const isFile = fstatSync(file).isFile();
    closeSync(file);
    // a new file in the place of /dev/null would be one for all programs
    if (isFile) return realpathSync(path);
  } catch (error) {
    throw wrong(wordsOf(error));
  }
  throw wrong('this is not a regular file');
}

/**
 * Keys of a hub in a file, for the hub that starts after all processes have ended. The effects of a step are in the file before
 * the step is answered. Each hub replaces the file with one of its own, so that an abandoned hub does no harm. Lines that cannot be
 * read are left out, and a copy of the file is kept: one of them must not let everybody in. If the file cannot be written, the
 * hub continues without it. Warnings say so.
 */
export class KeptFile {
  private readonly changed = new Map<string, Set<string>>();
  private file: number | undefined;
  private size = 0;
  private sizeWhenNew = 0;

  /** Loads what was there, and from now on stores every change to keys that are kept. */
  constructor(
    private readonly path: string,
    private readonly store: Store,
    private readonly isKept: (key: string) => boolean,
  ) {
    store.onChange(isKept, (key, field) => {
      const fields = this.changed.get(key);
      if (fields === undefined) this.changed.set(key, new Set([field]));
      else fields.add(field);
    });
    this.tryTo(() => {
      this.load();
      this.begin();
    });
    this.changed.clear();
  }

  /** Writes what has changed. */
  save(): void {
    if (this.changed.size === 0) return;
    const lines = [...this.changed].flatMap(([key, fields]) => this.linesOf(key, fields));
    this.changed.clear();
    if (this.file === undefined) return;
    this.tryTo(() => {
      this.write(lines);
      if (this.size > Math.max(SMALL, 2 * this.sizeWhenNew)) this.begin();
    });
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }

  private load(): void {
    // whatever follows the last line end was cut short
    const lines = readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
    let damaged = 0;
    for (const line of lines) if (!this.take(line)) damaged++;
    if (damaged > 0) {
      const copy = `${this.path}.damaged-${Date.now()}`;
      copyFileSync(this.path, copy);
      warnOfFile(`${damaged} of ${lines.length} lines of ${this.path} cannot be read; the file is kept as ${copy}.`);
    }
    this.store.sweep();
  }

  /** False: it cannot be read, and is left out. */
  private take(text: string): boolean {
    const { store } = this;
    const line = parseObject(text);
    if (!isLine(line) || !this.isKept(line[0])) return false;
    const [key, kind, expiresAt, field, value] = line;
    try {
      if (value === null) {
        store.fieldsOf(key)?.map.delete(field);
        store.deleteIfEmpty(key);
      } else {
        (store.write(key, kind) as Map<string, string | number>).set(field, value);
        store.expireAt(key, expiresAt);
      }
      return true;
    } catch {
      // an earlier line has made a key of another kind
      return false;
    }
  }

  private begin(): void {
    this.close();
    const fresh = `${this.path}.${process.pid}`;
    rmSync(fresh, { force: true });
    this.file = openSync(fresh, 'ax', OWN_MODE);
    this.size = 0;
    for (const key of this.store.keys().filter(this.isKept)) {
      this.write(this.linesOf(key, this.store.fieldsOf(key)?.map.keys() ?? []));
    }
    this.sizeWhenNew = this.size;
    renameSync(fresh, this.path);
  }

  private linesOf(key: string, fields: Iterable<string>): Line[] {
    const { kind = 'hash', expiresAt = 0, map } = this.store.fieldsOf(key) ?? {};
    return Array.from(fields, (field) => [key, kind, expiresAt, field, map?.get(field) ?? null]);
  }

  private write(lines: readonly Line[]): void {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    for (let at = 0; at < bytes.length;) at += writeSync(this.file as number, bytes, at);
    this.size += bytes.length;
  }

  private tryTo(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.close();
      warnOfFile(`Denials are not kept in a file any more: ${wordsOf(error)}`);
    }
  }
}

function isLine(given: unknown): given is Line {
  if (!Array.isArray(given)) return false;
  const [key, kind, expiresAt, field, value] = given as unknown[];
  const isText = typeof key === 'string' && typeof field === 'string' && Number.isFinite(expiresAt);
  if (!isText || (kind !== 'hash' && kind !== 'zset')) return false;
  return value === null || (kind === 'hash' ? typeof value === 'string' : Number.isFinite(value));
}
