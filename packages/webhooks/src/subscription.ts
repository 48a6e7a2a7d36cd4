import type { CheckedEndpoint } from './options.js';
import type { Sent } from './journal/records.js';
import { Thresholds } from './thresholds.js';

/** The events that one endpoint wants. */
export class Subscription {
  readonly thresholds: Thresholds;

  constructor(readonly endpoint: CheckedEndpoint) {
    this.thresholds = new Thresholds(endpoint.when);
  }

  wants({ type, stream_code: stream, payload }: Pick<Sent, 'type' | 'stream_code' | 'payload'>): boolean {
    const { events, when } = this.endpoint;
    if (!events.has(type) || !this.hears(stream)) return false;
    const reason = payload['reason'];
    return when.reasons === undefined || typeof reason !== 'string' || when.reasons.includes(reason);
  }

  hears(stream: string): boolean {
    const { streams } = this.endpoint;
    return streams === undefined || streams.some((code) => isMeant(code, stream));
  }
}

const isMeant = (code: string, stream: string): boolean =>
  code.endsWith('*') ? stream.startsWith(code.slice(0, -1)) : code === stream;
