import { createHmac, randomUUID } from 'node:crypto';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { badOption, checkOptions, parseUrl } from '@stream-sessions/core/spi';
import { checkText, checkTexts, checkTimer } from '../../checks.js';
import type { DriverState, SourceDriver, SourceRun, SourceTarget } from '../../driver.js';
import { placeholdersOf } from '../../pattern.js';
import { withoutSecrets } from '../../without-secrets.js';
import { call, failure } from './call.js';

/** Options of `httpDriver()`. URLs may have placeholders: `https://encoder.example.com/cameras/{id}/start`. */
export interface HttpDriverOptions {
  /** Where to POST to start a source: any 2xx means that it runs. */
  readonly start: string;
  /** Where to POST to stop a source: any 2xx means that it has stopped. */
  readonly stop: string;
  /**
   * What to GET for its state: 2xx means running, 404 and 410 mean stopped, anything else means unknown. Default: not queried.
   */
  readonly state?: string | undefined;
  /** Signs the calls according to Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. Default: not signed. */
  readonly secret?: string | undefined;
  /** Sent with each call, such as `authorization`. Default none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long a response may take. Default 8,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** Additional certificates to trust, as PEM. Default: those of Node. */
  readonly ca?: string | undefined;
}

const KNOWN = ['start', 'stop', 'state', 'secret', 'headers', 'timeoutMs', 'ca'];

/**
 * Sources that another server starts and stops when called.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example httpDriver({ start: 'https://encoder.example.com/{id}/start', stop: 'https://encoder.example.com/{id}/stop' })
 */
export function httpDriver(options: HttpDriverOptions): SourceDriver {
  checkOptions('httpDriver()', options, KNOWN);
  const { start, stop, state, secret, headers = {}, timeoutMs = 8_000, ca } = options;
  for (const [name, url] of Object.entries({ start, stop, ...(state !== undefined && { state }) })) {
    if (!isHttp(url))
      throw badOption(name, 'a URL of http or https', typeof url === 'string' ? withoutSecrets(url) : url);
  }
  checkTimer('timeoutMs', timeoutMs, 1);
  checkHeaders(headers);
  checkText('ca', ca);
  const key = secret === undefined ? undefined : keyOf(secret);

  const tell = async (
    url: string,
    action: 'start' | 'stop',
    target: SourceTarget,
    signal?: AbortSignal,
  ): Promise<void> => {
    const body = JSON.stringify({ action, stream: target.stream, values: target.values });
    const signed = key === undefined ? {} : signature(key, body);
    const all = { ...headers, 'content-type': 'application/json', ...signed };
    const answer = await call(urlOf(url, target), { method: 'POST', headers: all, body, ca, signal, timeoutMs });
    if (answer.status < 200 || answer.status > 299) throw failure(`${action} of ${target.stream}`, answer);
  };

  return {
    name: `http ${new URL(start.replace(/:\{\w+\}|[{}]/g, '')).host}`,
    placeholders: [start, stop, state ?? ''].flatMap(placeholdersOf),
    start: (target, { signal }: SourceRun) => tell(start, 'start', target, signal),
    stop: (target) => tell(stop, 'stop', target),
    ...(state !== undefined && {
      async state(target: SourceTarget): Promise<DriverState> {
        const { status } = await call(urlOf(state, target), { method: 'GET', headers, ca, timeoutMs });
        if (status === 404 || status === 410) return 'stopped';
        return status >= 200 && status <= 299 ? 'running' : 'unknown';
      },
    }),
  };
}

/** A placeholder may be anywhere but in the scheme. */
const isHttp = (template: unknown): boolean =>
  typeof template === 'string' &&
  /^https?:\/\/[^/]/.test(template) &&
  parseUrl(template.replace(/\{\w+\}/g, '1')) !== undefined;

/** A stream code may contain slashes, but is a single part of the path. */
const urlOf = (template: string, { values }: SourceTarget): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) => encodeURIComponent(values[name] ?? whole));

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  checkTexts('headers', headers);
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw badOption('headers', 'one of names and values that HTTP allows', name);
    }
  }
}

function keyOf(secret: string): Buffer {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(String(secret)) ?? [];
  const key = Buffer.from(base64, 'base64');
  if (key.length >= 24 && key.length <= 64) return key;
  throw badOption('secret', '"whsec_" and 24 to 64 bytes in base64', typeof secret === 'string' ? '…' : secret);
}

/** https://www.standardwebhooks.com: lets the server tell our calls from forged ones, and new ones from old. */
function signature(key: Buffer, body: string): Record<string, string> {
  const [id, at] = [`msg_${randomUUID()}`, String(Math.floor(Date.now() / 1000))];
  const mac = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${mac}` };
}
