import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pace } from '../../support/until.js';
import { program } from './programs.js';

const SERVER = path.join(__dirname, 'speed-server.mjs');

/** What a server has used, and whom it lists. */
export interface Used {
  readonly cpuMs: number;
  readonly rss: number;
  /** For how long a busy machine kept it from sending what was due. */
  readonly lateMs: number;
  readonly sessions: readonly { id: string; userAgent: string; tags: Record<string, string>; rateMbits?: number }[];
}

export interface SpeedServer {
  readonly h1: string;
  readonly h2: string;
  used(): Promise<Used>;
  /** Everybody has this limit from now on. */
  limit(mbits: number): Promise<Used>;
  stop(): Promise<void>;
}

/** A folder with a sparse file of a gigabyte and one of 20 MB, `cam1/big.ts` and `cam1/large.ts`. */
export function bigMedia(): { folder: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'speed-test-'));
  mkdirSync(path.join(folder, 'cam1'));
  for (const [name, size] of Object.entries({ big: 1e9, large: 2e7 })) {
    const file = path.join(folder, `cam1/${name}.ts`);
    writeFileSync(file, '');
    truncateSync(file, size);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

export async function startSpeedServer(folder: string): Promise<SpeedServer> {
  const child = fork(SERVER, [folder, require.resolve('hls.js/dist/hls.min.js')], { execArgv: [] });
  const ask = async (message: unknown): Promise<Used> => {
    const answer = once(child, 'message');
    child.send(message as object);
    return ((await answer) as [Used])[0];
  };
  const [{ h1, h2 }] = (await once(child, 'message')) as [{ h1: number; h2: number }];
  return {
    h1: `http://127.0.0.1:${h1}`,
    h2: `http://127.0.0.1:${h2}`,
    used: () => ask('used'),
    limit: (mbits) => ask(mbits),
    stop: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

/** Where a download waits for no disk, which others use as well: without this it is the disk that is measured. */
function inMemory(): string {
  const folder = '/dev/shm';
  if (!existsSync(folder)) return tmpdir();
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 1e9 ? folder : tmpdir();
}

/** Downloads of one curl, side by side. */
export class Curl {
  readonly startedAt = performance.now();
  private readonly folder = mkdtempSync(path.join(inMemory(), 'speed-curl-'));
  private readonly process: ChildProcess;
  private readonly count: number;

  constructor(urls: readonly string[], http2 = false) {
    const args = ['-sSN', '--parallel', '--parallel-immediate', '--parallel-max', '100'];
    if (http2) args.push('--http2-prior-knowledge');
    urls.forEach((url, i) => args.push('-o', path.join(this.folder, String(i)), url));
    this.count = urls.length;
    this.process = spawn(program('curl'), args, { stdio: 'ignore' });
  }

  /** Bytes of each so far. */
  received(): number[] {
    return Array.from(
      { length: this.count },
      (_, i) => statSync(path.join(this.folder, String(i)), { throwIfNoEntry: false })?.size ?? 0,
    );
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      this.process.kill('SIGKILL');
      await once(this.process, 'exit');
    }
    rmSync(this.folder, { recursive: true });
  }
}

/** What came, over time. */
export class Meter {
  private readonly samples: { seconds: number; bytes: readonly number[] }[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly received: () => readonly number[],
    private readonly startedAt = performance.now(),
  ) {
    this.timer = setInterval(() => this.sample(), 100);
  }

  /**
   * Megabits per second of each between two times, in seconds: the slope of the line through all samples, for a single one is
   * late by as much as the machine has to do.
   */
  rates(from: number, to: number): number[] {
    const samples = this.samples.filter(({ seconds }) => seconds >= from && seconds <= to);
    if ((samples.at(-1)?.seconds ?? 0) < to - 0.5) throw new Error(`too little was measured until ${to} s`);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const middle = mean(samples.map(({ seconds }) => seconds));
    const spread = mean(samples.map(({ seconds }) => (seconds - middle) ** 2));
    return samples[0]!.bytes.map(
      (_, i) => mean(samples.map(({ seconds, bytes }) => (seconds - middle) * mbits(bytes[i] ?? 0))) / spread,
    );
  }

  /** By how much, in megabits, each was above `mbits × (t + 2 s)` when it was most. */
  above(limit: number): number {
    return Math.max(...this.samples.map(({ seconds, bytes }) => Math.max(...bytes.map(mbits)) - limit * (seconds + 2)));
  }

  /** As `above`, for all together. */
  sumAbove(limit: number): number {
    return Math.max(
      ...this.samples.map(
        ({ seconds, bytes }) => mbits(bytes.reduce((sum, each) => sum + each, 0)) - limit * (seconds + 2),
      ),
    );
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    const bytes = [...this.received()];
    // afterwards: what came meanwhile is not too early
    this.samples.push({ seconds: (performance.now() - this.startedAt) / 1000, bytes });
  }
}

const mbits = (bytes: number): number => (bytes * 8) / 1e6;

/** What is measured needs its time. */
export const wait = (seconds: number): Promise<void> => pace(seconds * 1000);
