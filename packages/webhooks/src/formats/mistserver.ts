import type { Sent } from '../journal/records.js';

type Row = Readonly<Record<string, unknown>>;

/** A single line, whatever a stranger put into it. */
// eslint-disable-next-line no-control-regex -- line breaks are among them
const line = (value: unknown): string => (typeof value === 'string' ? value.replace(/[\x00-\x1f\x7f]+/g, ' ') : '');

const list = (many: unknown, one: unknown): string => (Array.isArray(many) ? many.map(line).join(',') : line(one));
const whole = (value: unknown): string => String(Math.round(typeof value === 'number' ? value : 0));

/**
 * The lines of MistServer's USER_END: token, streams, connectors, hosts, seconds, bytes up and down, tags, seconds per host,
 * connector and stream, session. A token appears as its fingerprint; times are known only per protocol.
 */
export function mistserver({ stream_code: stream, payload }: Sent): string {
  const row: Row = payload;
  const seconds = whole(row['duration_sec']);
  const perProtocol = row['proto_sec'] as Row | undefined;
  const protocols = Array.isArray(row['protos']) ? (row['protos'] as string[]) : [];
  const tags = Object.entries((row['tags'] ?? {}) as Record<string, string>).map(([name, value]) => `${name}:${value}`);
  const times = perProtocol === undefined ? seconds : protocols.map((name) => whole(perProtocol[name])).join(',');
  return [
    line(row['token_fingerprint']),
    list(row['streams'], stream),
    list(row['protos'], row['proto']),
    list(row['ips'], row['ip']),
    seconds,
    whole(row['bytes']),
    whole(row['bytes_received']),
    tags.map(line).join(','),
    seconds,
    times,
    seconds,
    line(row['id'] ?? row['session_id']),
  ].join('\n');
}
