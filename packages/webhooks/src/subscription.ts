import type { CheckedEndpoint } from './options.js';
import type { Sent } from './journal/records.js';
import { Thresholds } from './thresholds.js';

/** The types that `when.reasons` is about. */
const HAS_REASON = new Set(['session.closed', 'session.denied']);

/** The events that one endpoint wants. */
export class Subscription {
  readonly thresholds: Thresholds;

  constructor(readonly endpoint: CheckedEndpoint) {
    this.thresholds = new Thresholds(endpoint.when);
  }

  wants({ type, stream_code: stream, payload }: Pick<Sent, 'type' | 'stream_code' | 'payload'>): boolean {
    const { events, when } = this.endpoint;
    if (!events.has(type) || !this.hears(stream)) return false;
    return when.reasons === undefined || !HAS_REASON.has(type) || when.reasons.includes(String(payload['reason']));
  }

  hears(stream: string): boolean {
    const { streams } = this.endpoint;
    return streams === undefined || streams.some((code) => isMeant(code, stream));
  }
}

const isMeant = (code: string, stream: string): boolean =>
  code.endsWith('*') ? stream.startsWith(code.slice(0, -1)) : code === stream;
