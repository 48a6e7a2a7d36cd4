/**
 * What a session is: somebody who watches (`viewer`), somebody who publishes (`input`), a push to another server (`output`), or
 * something that should not count (`unspecified`, which leaves no trace by default). As in MistServer.
 */
export type SessionKind = 'viewer' | 'input' | 'output' | 'unspecified';

/** All of them. */
export const SESSION_KINDS: readonly SessionKind[] = ['viewer', 'input', 'output', 'unspecified'];

/** A transport's short name; it is converted to lower case. These are the known ones; an adapter may bring its own. */
export type Protocol =
  | 'hls'
  | 'dash'
  | 'rtmp'
  | 'rtsp'
  | 'srt'
  | 'http-flv'
  | 'ws-flv'
  | 'websocket'
  | 'vnc'
  | 'mpegts'
  | 'heartbeat'
  // Keeps the completion list above while any other string stays allowed.
  | (string & {});

/** The reasons that the kit itself gives. */
export const CLOSE_REASONS = [
  'idle',
  'client_gone',
  'shutdown',
  'kicked',
  'max_lifetime',
  'denied',
  'expired',
  'quota_time',
  'quota_data',
  'replaced',
  'stalled',
  'over_speed',
  'overload',
  'unauthorized',
  'limit',
  'policy_error',
  'transport_error',
  'not_served',
  'lost',
  'renamed',
] as const;
