import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { badOption, Generations, isAlive, readIdentity, thisProcess } from '@stream-sessions/core/spi';
import type { SourceLease, SourceShare } from './lease.js';

const SHARE = /^share-[\w-]{1,64}$/;
/** Nonces of this process, which distinguish it from an earlier one with the same pid. */
const nonces = new Set<string>();

/**
 * A lease for processes on one machine, through files in a folder of their own. It ends with the process that holds it, even
 * after `kill -9`, and the next one to ask gets it. The viewers of all processes count.
 *
 * ```ts
 * createSources(tracker, { lease: fileLease('/run/my-app/sources'), sources });
 * ```
 *
 * @param folder On a disk of that machine, not on a network share. It is created if it does not exist.
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function fileLease(folder: string): SourceLease {
  if (typeof folder !== 'string' || folder === '') throw badOption('fileLease()', 'the path of a folder', folder);
  return new FileLease(folder);
}

class FileLease implements SourceLease {
  private readonly self = { ...thisProcess(), nonce: randomBytes(12).toString('base64url') };
  private readonly generations: Generations;
  private readonly name = `share-${this.self.nonce}`;
  /** What was shared last, as written. */
  private shared = '';

  constructor(private readonly folder: string) {
    this.generations = new Generations(path.join(folder, 'holder'), this.self, livesHere);
  }

  async acquire(): Promise<boolean> {
    nonces.add(this.self.nonce);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    return this.generations.hold();
  }

  held(): boolean {
    return this.generations.isHeld;
  }

  async release(): Promise<void> {
    this.generations.release();
    nonces.delete(this.self.nonce);
    this.shared = '';
    await rm(path.join(this.folder, this.name), { force: true });
  }

  async share(ours: SourceShare): Promise<readonly SourceShare[]> {
    const text = JSON.stringify({ ...this.self, ...ours });
    const names = (await readdir(this.folder)).filter((name) => SHARE.test(name));
    if (text !== this.shared || !names.includes(this.name)) await this.write(text);
    const others = await Promise.all(names.map(async (name) => (name === this.name ? undefined : this.read(name))));
    return others.filter((one) => one !== undefined);
  }

  private async write(text: string): Promise<void> {
    const draft = path.join(this.folder, `${this.self.nonce}.draft`);
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, path.join(this.folder, this.name));
    this.shared = text;
  }

  /** Undefined: it belongs to a process that has ended. */
  private async read(name: string): Promise<SourceShare | undefined> {
    const file = path.join(this.folder, name);
    const text = await readFile(file, 'utf8').catch(() => '');
    const owner = readIdentity(text);
    if (owner !== undefined && (livesHere(text) || isAlive(owner))) {
      const { watched, running } = JSON.parse(text) as Partial<Record<keyof SourceShare, unknown>>;
      return { watched: textsOf(watched), running: textsOf(running) };
    }
    if (text !== '') await rm(file, { force: true });
    return undefined;
  }
}

const textsOf = (list: unknown): string[] =>
  Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string') : [];

function livesHere(text: string): boolean {
  const nonce = /"nonce":"([\w-]+)"/.exec(text)?.[1];
  return nonce !== undefined && nonces.has(nonce);
}
