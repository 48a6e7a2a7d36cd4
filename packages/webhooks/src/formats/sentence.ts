import type { Sent } from '../journal/records.js';

const MAX_TEXT = 200;

/** One line of readable length, without characters that reverse what follows, or addresses that an app turns into links. */
const tidy = (value: unknown): string =>
  typeof value === 'string'
    ? value
        .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
        .slice(0, MAX_TEXT)
        // half a character, which strict readers of JSON refuse
        .replace(/\p{Cs}/gu, '\ufffd')
        .replaceAll('://', ':\u200b//')
    : '';

const bytes = (value: unknown): string => {
  const mb = (typeof value === 'number' ? value : 0) / 1e6;
  return mb >= 1000 ? `${(mb / 1000).toFixed(1)} GB` : `${mb.toFixed(1)} MB`;
};

const duration = (value: unknown): string => {
  const seconds = Math.round(typeof value === 'number' ? value : 0);
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/**
 * An event as a sentence for people.
 *
 * @param dead Neutralises a stranger's text, so that it mentions nobody and is not formatted
 */
export function sentence({ type, stream_code: code, payload }: Sent, dead: (text: string) => string): string {
  const said = (value: unknown): string => dead(tidy(value));
  const stream = `"${said(code)}"`;
  const who = `${payload['kind'] === 'input' ? 'Publisher' : 'Viewer'} ${said(payload['user_name'])}`;
  const now = typeof payload['viewers'] === 'number' ? ` ${payload['viewers']} viewers now.` : '';
  const limit = String(payload['limit']);
  switch (type) {
    case 'session.opened':
      return `${who} (${said(payload['proto'])}, ${said(payload['ip'])}) opened ${stream}.${now}`;
    case 'session.closed':
      return `${who} left ${stream}: ${said(payload['reason'])}, after ${duration(payload['duration_sec'])} and ${bytes(payload['bytes'])}.${now}`;
    case 'session.denied':
      return `A client (${said(payload['proto'])}, ${said(payload['ip'])}) was refused at ${stream}: ${said(payload['reason'])}.`;
    case 'stream.viewers_above':
      return `${stream} has more than ${limit} viewers.${now}`;
    case 'stream.viewers_below':
      return `${stream} has fewer than ${limit} viewers.${now}`;
    case 'stream.publisher_lost':
      return `${stream} has lost its publisher: ${said(payload['reason'])}.`;
    case 'webhook.test':
      return 'This is a test of stream-sessions.';
    default:
      return `${type.replace(/[^\w.]/g, '')}: ${stream}.`;
  }
}
