import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

interface Workload {
  replicas: number;
  version: number;
}

const GROUP = 'apps/v1';
const NAMESPACE = 'default';

/**
 * As much of the API of Kubernetes as the driver and `kubectl get` and `kubectl scale` ask for: Deployments and StatefulSets of one
 * namespace with their scale, versions, conflicts, and a bearer token.
 */
export class KubernetesApi {
  /** `deployments/camera-1`. */
  readonly workloads = new Map<string, Workload>();
  readonly calls: string[] = [];
  /** Told before a PATCH is looked at: where somebody else may come in between. */
  beforePatch: () => void = () => undefined;
  /** Pods do not come up. */
  isStuck = false;
  token: string | undefined;
  private server: Server | undefined;
  private secure = false;

  async listen(tls?: { key: string; cert: string }): Promise<string> {
    const answer: RequestListener = (req, res) => void this.answer(req, res);
    this.server = tls === undefined ? http.createServer(answer) : https.createServer(tls, answer);
    this.secure = tls !== undefined;
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this.url;
  }

  get url(): string {
    const { port } = this.server?.address() as AddressInfo;
    return this.secure ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  }

  add(name: string, replicas = 0): void {
    this.workloads.set(name, { replicas, version: 1 });
  }

  replicasOf(name: string): number {
    return this.workloads.get(name)?.replicas ?? 0;
  }

  /** As `kubectl scale` of somebody else would. */
  scale(name: string, replicas: number): void {
    const workload = this.workloads.get(name);
    if (workload !== undefined) Object.assign(workload, { replicas, version: workload.version + 1 });
  }

  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  private async answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '').split('?', 1)[0] as string;
    let text = '';
    for await (const chunk of req) text += String(chunk);
    this.calls.push(`${req.method} ${path}`);
    if (this.token !== undefined && req.headers.authorization !== `Bearer ${this.token}`) {
      return say(res, 401, status(401, 'Unauthorized'));
    }
    const discovered = DISCOVERY[path];
    if (discovered !== undefined) return say(res, 200, discovered);
    const found = /^\/apis\/apps\/v1\/namespaces\/default\/(deployments|statefulsets)(?:\/([^/]+)(\/scale)?)?$/.exec(
      path,
    );
    if (found === null) return say(res, 404, status(404, 'NotFound'));
    const [, resource = '', name, scale] = found;
    if (name === undefined) return say(res, 200, this.list(resource));
    const key = `${resource}/${name}`;
    if (!this.workloads.has(key)) return say(res, 404, status(404, 'NotFound'));
    if (req.method === 'PATCH' || req.method === 'PUT') return this.change(res, key, JSON.parse(text) as Change);
    return say(res, 200, scale === undefined ? this.object(key) : this.scaleOf(key));
  }

  private change(res: ServerResponse, key: string, { metadata, spec }: Change): void {
    this.beforePatch();
    const workload = this.workloads.get(key) as Workload;
    const { resourceVersion } = metadata ?? {};
    if (resourceVersion && resourceVersion !== String(workload.version)) return say(res, 409, status(409, 'Conflict'));
    Object.assign(workload, { replicas: spec?.replicas ?? workload.replicas, version: workload.version + 1 });
    say(res, 200, this.scaleOf(key));
  }

  private list(resource: string): object {
    const kind = resource === 'deployments' ? 'DeploymentList' : 'StatefulSetList';
    const keys = [...this.workloads.keys()].filter((key) => key.startsWith(`${resource}/`));
    return { kind, apiVersion: GROUP, metadata: { resourceVersion: '1' }, items: keys.map((key) => this.object(key)) };
  }

  private metaOf(key: string): object {
    const [, name] = key.split('/');
    const resourceVersion = String(this.workloads.get(key)?.version);
    return { name, namespace: NAMESPACE, resourceVersion, uid: key, creationTimestamp: '2026-01-01T00:00:00Z' };
  }

  private object(key: string): object {
    const replicas = this.replicasOf(key);
    const kind = key.startsWith('deployments/') ? 'Deployment' : 'StatefulSet';
    const spec = { replicas, selector: { matchLabels: { app: key } }, template: {} };
    const up = this.isStuck ? 0 : replicas;
    return { kind, apiVersion: GROUP, metadata: this.metaOf(key), spec, status: { replicas: up, readyReplicas: up } };
  }

  private scaleOf(key: string): object {
    const replicas = this.replicasOf(key);
    const metadata = this.metaOf(key);
    return {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata,
      spec: { replicas },
      status: { replicas: this.isStuck ? 0 : replicas },
    };
  }
}

interface Change {
  metadata?: { resourceVersion?: string };
  spec?: { replicas?: number };
}

const resource = (name: string, kind: string, verbs: string[], more: object = {}) => ({
  ...{ name, singularName: kind.toLowerCase(), namespaced: true, kind, verbs },
  ...more,
});
const VERBS = ['get', 'list', 'patch', 'update'];
const SCALE = { group: 'autoscaling', version: 'v1' };
const VERSION = { groupVersion: GROUP, version: 'v1' };

const DISCOVERY: Record<string, object> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [] },
  '/apis': {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [{ name: 'apps', versions: [VERSION], preferredVersion: VERSION }],
  },
  [`/apis/${GROUP}`]: {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: GROUP,
    resources: [
      resource('deployments', 'Deployment', VERBS),
      resource('deployments/scale', 'Scale', VERBS, SCALE),
      resource('statefulsets', 'StatefulSet', VERBS),
      resource('statefulsets/scale', 'Scale', VERBS, SCALE),
    ],
  },
};

const status = (code: number, reason: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  reason,
  code,
  message: reason,
});

function say(res: ServerResponse, code: number, body: object): void {
  res.writeHead(code, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify(body));
}
