import { badOption, checkOptions } from '@stream-sessions/core/spi';
import { checkText, checkTimer } from '../../checks.js';
import type { DriverState, SourceDriver, SourceRun, SourceTarget } from '../../driver.js';
import { capturesOf, fill, placeholdersOf } from '../../pattern.js';
import { failure } from '../http/call.js';
import { Cluster, type ClusterOptions } from './cluster.js';

/** Options of `kubernetesDriver()`. */
export interface KubernetesDriverOptions extends Partial<ClusterOptions> {
  /** The kind of object to scale. Default `deployment`. */
  readonly kind?: 'deployment' | 'statefulset' | undefined;
  /** The name of the object, with placeholders: `camera-{id}`. */
  readonly name: string;
  /** How many replicas run while somebody is watching. Default 1. */
  readonly replicas?: number | undefined;
}

const KNOWN = ['kind', 'name', 'replicas', 'server', 'token', 'ca', 'namespace', 'timeoutMs'];

/** How often it checks whether the replicas are available. Milliseconds. */
const LOOK_MS = 500;
/** The most retries when somebody else changes the object between our read and our write. */
const MAX_CONFLICTS = 5;

interface Scale {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number };
}

/**
 * Sources that are Deployments or StatefulSets: scaled up while somebody is watching, and to zero otherwise.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example kubernetesDriver({ name: 'camera-{id}' })
 */
export function kubernetesDriver(options: KubernetesDriverOptions): SourceDriver {
  checkOptions('kubernetesDriver()', options, KNOWN);
  const { kind = 'deployment', name, replicas = 1, timeoutMs = 8_000, ...where } = options;
  if (kind !== 'deployment' && kind !== 'statefulset') throw badOption('kind', '"deployment" or "statefulset"', kind);
  if (typeof name !== 'string' || !/^[a-z0-9{][\w.{}-]*$/.test(name))
    throw badOption('name', 'a name like "camera-{id}"', name);
  if (!(Number.isInteger(replicas) && replicas > 0)) throw badOption('replicas', 'a positive integer', replicas);
  checkTimer('timeoutMs', timeoutMs, 1);
  for (const key of ['server', 'ca', 'namespace'] as const) checkText(key, where[key]);
  if (typeof where.token !== 'function') checkText('token', where.token);
  return new KubernetesDriver(`${kind}s`, name, replicas, new Cluster({ ...where, timeoutMs }));
}

/**
 * Level-triggered: it reads the current state and changes what differs, so a call that is lost or repeated does no harm. It
 * leaves everything running when this process ends.
 */
class KubernetesDriver implements SourceDriver {
  readonly name: string;
  readonly placeholders: readonly string[];

  constructor(
    private readonly resource: string,
    private readonly template: string,
    private readonly replicas: number,
    private readonly cluster: Cluster,
  ) {
    this.name = `kubernetes ${resource} ${template}`;
    this.placeholders = placeholdersOf(template);
  }

  async start(target: SourceTarget, { signal }: SourceRun): Promise<void> {
    let scale = await this.scaleTo(target, (now) => (now >= this.replicas ? now : this.replicas), signal);
    while ((scale.status?.replicas ?? 0) < this.replicas) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref());
      signal.throwIfAborted();
      scale = await this.look(target, signal);
    }
  }

  async stop(target: SourceTarget): Promise<void> {
    await this.scaleTo(target, () => 0);
  }

  async state(target: SourceTarget): Promise<DriverState> {
    return ((await this.look(target)).spec.replicas ?? 0) > 0 ? 'running' : 'stopped';
  }

  async list(): Promise<readonly Readonly<Record<string, string>>[]> {
    const answer = await this.cluster.ask('GET', this.resource);
    if (answer.status !== 200) throw failure(`the list of ${this.resource}`, answer);
    const { items } = JSON.parse(answer.text) as { items: { metadata: { name: string }; spec: Scale['spec'] }[] };
    const running = items.filter(({ spec }) => (spec.replicas ?? 1) > 0);
    return running
      .map(({ metadata }) => capturesOf(this.template, metadata.name))
      .filter((values) => values !== undefined);
  }

  /** Returns the resulting state. */
  private async scaleTo(target: SourceTarget, wanted: (now: number) => number, signal?: AbortSignal): Promise<Scale> {
    for (let conflicts = 0; ; conflicts++) {
      const scale = await this.look(target, signal);
      const now = scale.spec.replicas ?? 0;
      const replicas = wanted(now);
      if (replicas === now) return scale;
      // with the version that was read: a concurrent change is a conflict
      const patch = { metadata: { resourceVersion: scale.metadata.resourceVersion }, spec: { replicas } };
      const answer = await this.cluster.ask('PATCH', this.pathOf(target), patch, signal);
      if (answer.status === 200) return JSON.parse(answer.text) as Scale;
      if (answer.status !== 409 || conflicts === MAX_CONFLICTS)
        throw failure(`the scale of ${this.pathOf(target)}`, answer);
    }
  }

  private async look(target: SourceTarget, signal?: AbortSignal): Promise<Scale> {
    const answer = await this.cluster.ask('GET', this.pathOf(target), undefined, signal);
    if (answer.status !== 200) throw failure(`the scale of ${this.pathOf(target)}`, answer);
    return JSON.parse(answer.text) as Scale;
  }

  private pathOf(target: SourceTarget): string {
    return `${this.resource}/${encodeURIComponent(fill(this.template, target))}/scale`;
  }
}
