import { tellPolicy } from '../policy/tell-policy.js';
import type { Registry } from '../registry/registry.js';
import type { Settings } from '../settings/settings.js';
import type { Clock } from '../support/clock.js';
import type { Logger } from '../support/logger.js';
import type { Policy, PolicyAttachment, TrackerView } from '../types/policy.js';
import type { Reviews } from './reviews.js';

/** The number of reviews in one go; more follow in the next turn of the event loop. */
const SLICE = 256;
/** If a session is already being judged, the review comes after that. Milliseconds. */
const RETRY_MS = 50;

/** The parts that `PolicyAttachments` works with. */
export interface AttachmentParts {
  readonly settings: Settings;
  readonly registry: Registry;
  readonly reviews: Reviews;
  readonly view: TrackerView;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Gives policies the means to act on their own, and does what they ask for. */
export class PolicyAttachments {
  private attached: ReadonlySet<Policy> = new Set();
  private wanted = new Map<Policy, Set<string>>();
  private timer: unknown = undefined;

  constructor(private readonly parts: AttachmentParts) {}

  /** The policies may have changed: new ones are attached, and removed ones are ignored. */
  update(): void {
    const before = this.attached;
    this.attached = new Set(this.parts.settings.policies);
    for (const policy of this.attached) {
      if (before.has(policy) || policy.attach === undefined) continue;
      tellPolicy(this.parts.logger, policy, 'attach', this.attachmentOf(policy));
    }
  }

  stop(): void {
    if (this.timer !== undefined) this.parts.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.attached = new Set();
    this.wanted.clear();
  }

  private attachmentOf(policy: Policy): PolicyAttachment {
    const { registry, settings, view } = this.parts;
    return Object.freeze({
      review: (id: string) => this.want(policy, id),
      activeAt: (id: string) => view.activeAt(id),
      bytesOf: (id: string) => registry.get(id)?.totalBytes,
      isServed: (id: string) => registry.get(id)?.isUnserved === false,
      idleTimeoutMs: () => settings.longestIdleMs,
    });
  }

  /** Deferred, because a policy may request it while it is being asked itself. */
  private want(policy: Policy, id: string): void {
    if (!this.attached.has(policy) || this.parts.registry.get(id) === undefined) return;
    const ids = this.wanted.get(policy);
    if (ids === undefined) this.wanted.set(policy, new Set([id]));
    else ids.add(id);
    this.timer ??= this.parts.clock.setTimeout(() => this.look(), 0);
  }

  private look(): void {
    this.timer = undefined;
    let left = SLICE;
    let isBusy = false;
    for (const [policy, ids] of this.wanted) {
      for (const id of ids) {
        if (left-- === 0) return this.lookAgainIn(0);
        const session = this.parts.registry.get(id);
        if (session?.rare?.asking !== undefined) {
          isBusy = true;
          continue;
        }
        ids.delete(id);
        if (session !== undefined && this.attached.has(policy)) this.parts.reviews.reviewBy(policy, session);
      }
      if (ids.size === 0) this.wanted.delete(policy);
    }
    if (isBusy) this.lookAgainIn(RETRY_MS);
  }

  private lookAgainIn(ms: number): void {
    this.timer ??= this.parts.clock.setTimeout(() => this.look(), ms);
  }
}
