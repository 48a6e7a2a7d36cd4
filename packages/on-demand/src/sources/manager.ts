import type { SessionTracker, SourceChange, SourceWait } from '@stream-sessions/core';
import { everyMs, momentOf } from '@stream-sessions/core/spi';
import type { SourceShare } from '../lease/lease.js';
import type { Rule, SourcesSettings } from '../options.js';
import { isWatching, watchers } from './demand.js';
import { closeDrivers, leftRunning } from './drivers.js';
import { leaseNotHeld, noSource, tooManySources } from './errors.js';
import { Holds, refused } from './holds.js';
import { Leadership } from './leadership.js';
import { msSince } from './moment.js';
import { Places } from './places.js';
import { poll } from './poll.js';
import { infoOf, type SourceInfo } from './source-info.js';
import { Settling } from './settling.js';
import { Source, type SourceState } from './source.js';
import { warnOpen } from './warn-open.js';

/** For patterns with placeholders: anyone who is admitted can make up another name. */
const MAX_KNOWN = 10_000;

/** Decides when each source has to run: while somebody is watching or waiting, or has been recently. */
export class SourceManager {
  private readonly known = new Map<string, Source>();
  private readonly holds: Holds;
  private readonly settling = new Settling();
  private readonly places: Places;
  private readonly leadership: Leadership;
  private readonly stops: (() => void)[];
  private isClosed = false;

  constructor(
    private readonly tracker: SessionTracker,
    private readonly settings: SourcesSettings,
  ) {
    this.holds = new Holds(settings);
    this.places = new Places(settings, (source) => this.isNeeded(source));
    this.leadership = new Leadership(
      settings.lease,
      {
        share: () => this.share(),
        gained: () => this.gained(),
        lost: () => this.lost(),
        looked: () => this.check(),
      },
      settings,
    );
    this.stops = [
      tracker.on('opened', ({ session: { kind, stream } }) => this.came(kind, stream)),
      tracker.on('resumed', ({ session: { kind, stream } }) => this.came(kind, stream)),
      tracker.on('closed', ({ session: { kind, stream } }) => this.left(kind, stream)),
      everyMs(settings.clock, settings.checkIntervalMs, () => this.leadership.look()),
    ];
    if (this.decides) for (const rule of settings.rules) void this.findLeft(rule);
    this.leadership.look();
  }

  get decides(): boolean {
    return this.leadership.decides && !this.isClosed;
  }

  manages(stream: string): boolean {
    return this.known.has(stream) || this.settings.rules.some(({ pattern }) => pattern.match(stream) !== undefined);
  }

  /** Called for each request, so a known stream that is running costs one look-up. */
  ready(stream: string): SourceWait | undefined {
    const source = this.known.get(stream) ?? this.find(stream);
    if (source === undefined) return this.manages(stream) ? refused() : undefined;
    source.isAsked = true;
    if (source.state === 'running') return undefined;
    if (this.isClosed || this.isPausing(source)) return refused();
    warnOpen(this.tracker);
    // first, so that the start has someone waiting for it
    const wait = this.holds.hold(stream);
    this.want(source);
    return wait;
  }

  state(stream: string): SourceState | undefined {
    return this.known.get(stream)?.state ?? (this.manages(stream) ? 'hibernated' : undefined);
  }

  unavailable(stream: string): string | undefined {
    const source = this.known.get(stream);
    if (source?.state === 'running' || source?.state === 'starting') return undefined;
    if (source !== undefined && this.isPausing(source)) return `its source has failed: ${source.detail ?? ''}`;
    if (!this.manages(stream)) return undefined;
    if (source === undefined && this.isFull) return 'too many sources are asked for';
    return this.places.isFull ? 'the maximum number of sources is running' : undefined;
  }

  async wake(stream: string): Promise<boolean> {
    const source = this.need(stream);
    if (source.state === 'running') return true;
    if (this.isPausing(source) || this.isClosed) return false;
    if (!this.decides) {
      const wait = this.holds.hold(stream);
      this.want(source);
      return wait;
    }
    const settled = this.settling.of(source);
    this.want(source);
    return settled;
  }

  async hibernate(stream: string): Promise<void> {
    const source = this.need(stream);
    if (!this.decides) throw leaseNotHeld(stream);
    this.places.withdraw(source);
    this.settling.answer(this.isClosed);
    await source.stop();
  }

  list(): SourceInfo[] {
    const watching = watchers(this.tracker);
    for (const { pattern } of this.settings.rules) if (pattern.isFixed) this.find(pattern.text);
    return [...this.known.values()].map((source) =>
      infoOf(source, watching.get(source.stream) ?? 0, this.holds.of(source.stream)),
    );
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const stop of this.stops) stop();
    this.letGo();
    this.holds.close();
    this.settling.answer(this.isClosed);
    await closeDrivers(this.settings.rules);
    await this.leadership.close();
  }

  private letGo(): void {
    for (const source of this.known.values()) {
      this.places.withdraw(source);
      source.release();
    }
  }

  /** What the other processes are told. */
  private share(): SourceShare {
    const watching = watchers(this.tracker);
    const all = [...this.known.values()];
    const isWatched = ({ isAsked, stream }: Source): boolean =>
      isAsked || watching.has(stream) || this.holds.has(stream);
    return {
      watched: all.filter(isWatched).map(({ stream }) => stream),
      running: this.decides ? all.filter(({ state }) => state === 'running').map(({ stream }) => stream) : [],
    };
  }

  /** Sources that the previous leader left running continue; those that ran inside that process have ended with it. */
  private async gained(): Promise<void> {
    for (const source of this.known.values()) source.follow(false);
    await Promise.all(this.settings.rules.map((rule) => this.findLeft(rule)));
  }

  /** The new leader starts what has to run: sources that would end with this process end now. */
  private lost(): void {
    this.letGo();
    for (const source of this.known.values()) source.follow(false);
    this.settling.answer(this.isClosed);
    closeDrivers(this.settings.rules).catch((error: unknown) => {
      this.settings.logger.error({ err: error }, 'a driver could not let go of its sources');
    });
  }

  /** A source left running by an earlier process goes to sleep like all others when nobody comes. */
  private async findLeft(rule: Rule): Promise<void> {
    if (rule.pattern.isFixed) return this.poll(this.find(rule.pattern.text));
    for (const stream of await leftRunning(rule, this.settings)) {
      const source = this.find(stream);
      if (source?.state === 'hibernated') source.adopt();
    }
  }

  private came(kind: string, stream: string): void {
    if (kind !== 'viewer' && kind !== 'output') return;
    const source = this.find(stream);
    if (source === undefined) return;
    warnOpen(this.tracker);
    source.isWatched = true;
    this.want(source);
  }

  private left(kind: string, stream: string): void {
    const source = this.known.get(stream);
    if (source === undefined || (kind !== 'viewer' && kind !== 'output')) return;
    source.watchedAt = momentOf(this.settings.clock);
    source.isWatched = undefined;
  }

  /** Does everything that is due, based on the tracker's current list, so it does not matter how the last viewer left. */
  private check(): void {
    const { clock, hibernateAfterMs, pollIntervalMs } = this.settings;
    const now = momentOf(clock);
    const watching = watchers(this.tracker);
    const { watched, running } = this.leadership;
    const { decides } = this;
    for (const streams of [watching.keys(), watched, running]) for (const stream of streams) this.find(stream);
    for (const source of [...this.known.values()]) {
      const { stream } = source;
      const isWatched = source.isAsked || watching.has(stream) || watched.has(stream) || this.isAwaited(source);
      source.isAsked = false;
      source.isWatched = isWatched;
      if (isWatched) source.watchedAt = now;
      if (!decides) source.follow(running.has(stream));
      if (!decides) {
        if (!isWatched && !source.isUp) this.forget(source);
      } else if (source.state === 'running') {
        const isDue = msSince(source.watchedAt, now) >= hibernateAfterMs && msSince(source.stopAgainAt, now) >= 0;
        if (isDue) void source.stop();
        else if (msSince(source.polledAt, now) >= pollIntervalMs) void this.poll(source);
      } else if (isWatched && !source.isUp && msSince(source.retryAt, now) >= 0) this.places.request(source);
      else if (!isWatched && !source.isUp && msSince(source.retryAt, now) >= 0) this.forget(source);
    }
    if (decides) this.places.fill();
  }

  private async poll(source: Source | undefined): Promise<void> {
    if (source === undefined) return;
    source.polledAt = momentOf(this.settings.clock);
    await poll(source, this.settings);
  }

  private want(source: Source): void {
    source.watchedAt = momentOf(this.settings.clock);
    if (this.isClosed || source.state === 'running' || source.state === 'starting' || this.isPausing(source)) return;
    if (!this.decides) return this.leadership.soon();
    // a source that is being stopped starts once it has stopped
    if (source.state === 'stopping') {
      source.isWanted = true;
      return;
    }
    this.places.request(source);
    this.places.fill();
  }

  private changed(source: Source, change: SourceChange | undefined, detail: string | undefined): void {
    this.places.changed(source);
    if (this.isClosed) return;
    if (change !== undefined) this.tracker.announceSource(source.stream, change, detail);
    if (source.state === 'running') this.holds.answer(source.stream, true);
    if (source.state === 'failed') this.holds.answer(source.stream, false);
    if (source.state === 'hibernated' && (source.isWanted || this.holds.has(source.stream))) this.want(source);
    this.settling.answer(this.isClosed);
    if (!this.decides) return;
    this.leadership.soon();
    this.places.fill();
  }

  private late({ stream }: Source): void {
    if (this.decides) void this.find(stream)?.clear();
  }

  private isPausing({ state, retryAt }: Source): boolean {
    return state === 'failed' && msSince(retryAt, momentOf(this.settings.clock)) < 0;
  }

  private isNeeded(source: Source): boolean {
    const { stream } = source;
    source.isWatched ??= this.leadership.watched.has(stream) || isWatching(this.tracker, stream);
    return source.isWatched || source.isAsked || this.isAwaited(source);
  }

  private isAwaited(source: Source): boolean {
    return this.holds.has(source.stream) || this.settling.has(source);
  }

  private get isFull(): boolean {
    return this.known.size >= MAX_KNOWN;
  }

  private need(stream: string): Source {
    const source = this.find(stream);
    if (source !== undefined) return source;
    throw this.isFull && this.manages(stream) ? tooManySources(MAX_KNOWN) : noSource(stream);
  }

  private find(stream: string): Source | undefined {
    const known = this.known.get(stream);
    if (known !== undefined || this.isClosed || this.isFull) return known;
    for (const rule of this.settings.rules) {
      const target = rule.pattern.match(stream);
      if (target === undefined) continue;
      const listener = { changed: this.changed.bind(this), late: this.late.bind(this) };
      const source = new Source(target, rule, this.settings, listener);
      this.known.set(target.stream, source);
      return source;
    }
    return undefined;
  }

  private forget(source: Source): void {
    this.places.withdraw(source);
    this.known.delete(source.stream);
  }
}
