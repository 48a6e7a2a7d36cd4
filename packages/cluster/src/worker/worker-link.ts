import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamSessionsError, type Clock } from '@stream-sessions/core';
import { badOption, checkOptions, everyMs, systemClock } from '@stream-sessions/core/spi';
import { linkFailed, wordsOf } from '../errors.js';
import { Attempts, linkClosed } from '../link/attempts.js';
import { whileAwaited } from '../link/awake.js';
import { digestOf } from '../link/digest.js';
import {
  checkKeys,
  LOG_BUCKET,
  type Channel,
  type ClusterLink,
  type Follower,
  type Reply,
  type Step,
} from '../link/link.js';
import { latestSocket, ownFolder, reachHub } from './election.js';
import { HubClient, StepFailed } from './hub-client.js';
import type { Hub } from './hub.js';
import { realFile } from './kept-file.js';

/** Options of {@link workerLink}. */
export interface WorkerLinkOptions {
  /**
   * A folder for the hub's socket, which no other user can enter (mode 0700): created if it does not exist. Processes that share
   * it form one cluster. Default: one in the folder for temporary files, for all processes of this user that run the same
   * program.
   */
  path?: string | undefined;
  /**
   * A file in which denials outlive the last process: the same for all of them. Created if it does not exist, readable by this
   * user only. Default: none, so denials end with the last process.
   */
  denialsFile?: string | undefined;
  /** A step without an answer for this many milliseconds has failed; default 1,000. */
  commandTimeoutMs?: number | undefined;
  /** The source of time for limits. Default: the wall clock. */
  clock?: Clock | undefined;
}

/** How soon a follower whose hub has gone looks for the next one. Milliseconds. */
const LOOK_MS = 100;

/**
 * The link between processes of one machine and one user, such as workers of `node:cluster` or pm2, without any server: one of
 * them is the hub, and holds the state in its memory. The primary process need not do anything. When the hub ends, another
 * process takes its place, and continues with what it had; if it was killed, with an empty memory, and all of them rejoin and
 * restore what they know.
 *
 * Linux and macOS.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function workerLink(options: WorkerLinkOptions = {}): ClusterLink {
  checkOptions('workerLink()', options, ['path', 'denialsFile', 'commandTimeoutMs', 'clock']);
  const { path = usualFolder(), denialsFile, commandTimeoutMs = 1_000, clock = systemClock } = options;
  if (typeof path !== 'string' || path === '') throw badOption('path', 'a folder', path);
  if (!Number.isFinite(commandTimeoutMs) || commandTimeoutMs < 1) {
    throw badOption('commandTimeoutMs', 'a number from 1', commandTimeoutMs);
  }
  if (denialsFile !== undefined && typeof denialsFile !== 'string')
    throw badOption('denialsFile', 'a path', denialsFile);
  try {
    ownFolder(path);
  } catch (error) {
    if (error instanceof StreamSessionsError) throw error;
    throw badOption('path', `a folder that can be created (${wordsOf(error)})`, path);
  }
  const file = denialsFile === undefined ? undefined : realFile(denialsFile);
  return new WorkerLink(path, file, commandTimeoutMs, clock);
}

function usualFolder(): string {
  const program = createHash('sha1')
    .update(process.argv[1] ?? process.cwd())
    .digest('hex')
    .slice(0, 12);
  return join(tmpdir(), `stream-sessions-${process.getuid?.() ?? 'user'}-${program}`);
}

interface Following {
  readonly channels: readonly Channel[];
  readonly positions: Map<string, string>;
  readonly onTexts: (channel: string, texts: readonly string[]) => void;
  /** The connection that it uses. */
  on: HubClient | undefined;
}

const PREFIX = `{${LOG_BUCKET}}:`;

export class WorkerLink implements ClusterLink {
  /** Set if it is this process. */
  hub: Hub | undefined;
  private hubSocket = '';
  private client: HubClient | undefined;
  private reaching: Promise<HubClient> | undefined;
  private isClosed = false;
  private lastFollower = 0;
  private looks = 0;
  private readonly followings = new Map<number, Following>();
  private readonly attempts: Attempts;
  private readonly stopLooking: () => void;

  constructor(
    private readonly folder: string,
    private readonly denialsFile: string | undefined,
    timeoutMs: number,
    private readonly clock: Clock,
  ) {
    this.attempts = new Attempts({
      ...{ at: 'the hub', timeoutMs, clock },
      mayPass: (error) => !(error instanceof StepFailed) && !(error instanceof StreamSessionsError),
      asError: (error) =>
        error instanceof StreamSessionsError ? error : linkFailed(`the hub: ${wordsOf(error)}`, error),
    });
    this.stopLooking = everyMs(clock, LOOK_MS, () => this.look());
  }

  run(step: Step, bucket: number, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const wrong = checkKeys(step, bucket, keys);
    if (wrong !== undefined) return Promise.reject(linkFailed(wrong));
    const named = keys.map((key) => `{${bucket}}:${key}`);
    const reply = this.attempts.make(step.name, async () => {
      const client = await this.reach();
      return client.run(digestOf(step), step.lua, named, [...args]);
    });
    return whileAwaited(reply);
  }

  async follow(
    channels: readonly Channel[],
    onTexts: (channel: string, texts: readonly string[]) => void,
  ): Promise<Follower> {
    const as = ++this.lastFollower;
    let isStopped = false;
    const stop = (): Promise<void> => {
      isStopped = true;
      const following = this.followings.get(as);
      this.followings.delete(as);
      // not awaited: a hub that stands still does not answer
      void following?.on?.ask({ unfollow: as }).catch(() => undefined);
      return Promise.resolve();
    };
    try {
      await this.attempts.make('to be followed', async () => {
        const client = await this.reach();
        const last = await client.ask({ last: channels.map(({ name }) => PREFIX + name) });
        // it may be answered after the time limit
        if (isStopped) return;
        const positions = new Map(
          channels.map(({ name }, i) => [PREFIX + name, (last as readonly string[])[i] ?? '0-0']),
        );
        const following = { channels, positions, onTexts, on: client };
        this.followings.set(as, following);
        await client.ask({ follow: [...positions], as });
      });
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      rewind: (channel) => {
        const following = this.followings.get(as);
        following?.positions.set(PREFIX + channel, '0-0');
        if (following !== undefined) void this.followOn(as, following).catch(() => undefined);
      },
      stop,
    };
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.attempts.close();
    this.stopLooking();
    this.followings.clear();
    await this.reaching?.catch(() => undefined);
    this.hub?.end();
    this.client?.destroy();
  }

  private async reach(): Promise<HubClient> {
    if (this.client?.isOpen === true) return this.client;
    this.reaching ??= this.open().finally(() => (this.reaching = undefined));
    return this.reaching;
  }

  private async open(): Promise<HubClient> {
    const { socket, hub } = await reachHub(this.folder, this.denialsFile);
    if (hub !== undefined) [this.hub, this.hubSocket] = [hub, this.latestSocket()];
    else this.stepDownIfUnfound();
    const client = new HubClient(
      socket,
      (to, key, entries) => this.given(client, to, key, entries),
      () => undefined,
    );
    this.client = client;
    if (this.isClosed) throw linkClosed();
    return client;
  }

  /** Two may have become hubs at once, and the later one stays; or the folder was removed, and nobody else finds this one. */
  private stepDownIfUnfound(): void {
    if (this.hub === undefined || this.latestSocket() === this.hubSocket) return;
    this.hub.close();
    this.hub = undefined;
  }

  /** Where the folder cannot be read, such as without descriptors left, the hub stays as it is. */
  private latestSocket(): string {
    try {
      return latestSocket(this.folder);
    } catch {
      return this.hubSocket;
    }
  }

  private given(
    client: HubClient,
    to: number,
    key: string,
    entries: readonly (readonly [id: string, text: string])[],
  ): void {
    const following = this.followings.get(to);
    if (following === undefined || following.on !== client) return;
    following.positions.set(key, entries.at(-1)?.[0] ?? '0-0');
    const name = key.slice(PREFIX.length);
    following.onTexts(
      name,
      entries.map(([, text]) => text),
    );
    if (!following.channels.some((channel) => channel.name === name && channel.isOwn)) return;
    void client.ask({ forget: key, entries: entries.map(([id]) => id) }).catch(() => undefined);
  }

  private look(): void {
    if (++this.looks % 10 === 0) this.stepDownIfUnfound();
    void this.followAgain().catch(() => undefined);
  }

  /** Followers whose connection has broken. */
  private async followAgain(): Promise<void> {
    for (const [as, following] of this.followings)
      if (following.on?.isOpen !== true) await this.followOn(as, following);
  }

  private async followOn(as: number, following: Following): Promise<void> {
    const client = await this.reach();
    if (following.on === client) await client.ask({ unfollow: as });
    following.on = client;
    await client.ask({ follow: [...following.positions], as });
  }
}
