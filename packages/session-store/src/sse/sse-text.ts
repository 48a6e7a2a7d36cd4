import { badMessage } from '../errors.js';

/** The optional fields of an event. */
export interface SseFields {
  /** The name that `EventSource` listens to. Default: `message`. */
  event?: string;
  /** What the client sends as `Last-Event-ID` when it reconnects. */
  id?: string;
}

/** Longer messages are refused. Characters. */
export const MAX_MESSAGE_LENGTH = 262_144;

const LINE_ENDS = /\r\n|\r|\n/;
/** Sent between events, so that proxies and clients can see that the connection is alive. */
export const KEEP_ALIVE = ': keep-alive\n\n';

/**
 * One event as the text of an event stream: a `data:` for each line.
 *
 * @throws StreamSessionsError ERR_BAD_MESSAGE
 */
export function sseText(data: string, { event, id }: SseFields = {}): string {
  if (typeof data !== 'string')
    throw badMessage('A message has to be a string. Send objects as JSON.stringify(object).');
  if (data.length > MAX_MESSAGE_LENGTH) {
    throw badMessage(`A message has ${MAX_MESSAGE_LENGTH} characters at most, and this one ${data.length}.`);
  }
  const head = `${field('event', event)}${field('id', id)}`;
  if (!data.includes('\n') && !data.includes('\r')) return `${head}data: ${data}\n\n`;
  const lines = data.split(LINE_ENDS).map((line) => `data: ${line}\n`);
  return `${head}${lines.join('')}\n`;
}

function field(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  // a line end would begin a field of the sender's choice, and clients ignore an id that contains NUL
  if (typeof value !== 'string' || value.length > 1024 || /[\r\n\0]/.test(value)) {
    throw badMessage(`The ${name} of a message has to be one line of 1,024 characters at most.`);
  }
  return `${name}: ${value}\n`;
}
