import type { Sent } from '../journal/records.js';
import { mistserver } from './mistserver.js';
import { discord, ntfy, slack } from './chat.js';

/** The format that a receiver understands. */
export type WebhookFormat = 'standard' | 'mistserver' | 'slack' | 'discord' | 'ntfy';

export interface Formatted {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Standard Webhooks: what happened, when, and all the details. */
const standard = ({ type, at, stream_code, seq, payload }: Sent): Formatted => ({
  body: JSON.stringify({ type, timestamp: new Date(at).toISOString(), data: { stream_code, seq, ...payload } }),
  headers: JSON_TYPE,
});

const json = (value: object): Formatted => ({ body: JSON.stringify(value), headers: JSON_TYPE });
const text = (body: string, headers: Readonly<Record<string, string>> = {}): Formatted => ({
  body,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
});

export const FORMATS: Readonly<Record<WebhookFormat, (event: Sent) => Formatted>> = {
  standard,
  mistserver: (event) => text(mistserver(event), { 'x-trigger': 'USER_END' }),
  slack: (event) => json(slack(event)),
  discord: (event) => json(discord(event)),
  ntfy: (event) => text(ntfy(event), { title: 'stream-sessions' }),
};
