import { readFileSync } from 'node:fs';
import { badOption } from '@stream-sessions/core/spi';
import { call, type Answer } from '../http/call.js';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Where the API of a cluster is, and how to authenticate. */
export interface ClusterOptions {
  /** Default: the cluster that this process runs in. */
  readonly server?: string | undefined;
  /** Default: that of the pod's service account, which is read for each call, because it changes. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** The CA certificates to trust, as PEM. Default: those of the service account. */
  readonly ca?: string | undefined;
  /** Default: the pod's own. */
  readonly namespace?: string | undefined;
  readonly timeoutMs: number;
}

/** The API of one namespace. */
export class Cluster {
  readonly namespace: string;
  private readonly server: string;
  private readonly ca: string | undefined;
  private readonly token: () => string | undefined | Promise<string>;

  /** @throws StreamSessionsError ERR_BAD_OPTION */
  constructor(private readonly options: ClusterOptions) {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
    const inside = host === undefined ? undefined : `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    const server = options.server ?? inside;
    if (!/^https?:\/\/[^/]+/.test(String(server))) {
      throw badOption('server', 'the URL of the API, because this process does not run in a cluster', options.server);
    }
    this.server = String(server).replace(/\/$/, '');
    // a pod's account is only for its own cluster
    const isInside = options.server === undefined;
    this.ca = options.ca ?? (isInside ? account('ca.crt') : undefined);
    this.namespace = options.namespace ?? (isInside ? account('namespace')?.trim() : undefined) ?? 'default';
    const { token } = options;
    this.token = typeof token === 'function' ? token : () => token ?? (isInside ? account('token')?.trim() : undefined);
  }

  /** `path`: the part after the namespace. */
  async ask(method: 'GET' | 'PATCH', path: string, patch?: object, signal?: AbortSignal): Promise<Answer> {
    const token = await this.token();
    const url = `${this.server}/apis/apps/v1/namespaces/${encodeURIComponent(this.namespace)}/${path}`;
    const headers = {
      accept: 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(patch !== undefined && { 'content-type': 'application/merge-patch+json' }),
    };
    const body = patch === undefined ? undefined : JSON.stringify(patch);
    return call(url, { method, headers, body, ca: this.ca, signal, timeoutMs: this.options.timeoutMs });
  }
}

function account(file: string): string | undefined {
  try {
    return readFileSync(`${ACCOUNT}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
