/**
 * What a session is: somebody who watches (`viewer`), somebody who publishes (`input`), a push of ours to elsewhere
 * (`output`), or something that should not count (`unspecified`, which by default leaves no trace). MistServer's four.
 */
export type SessionKind = 'viewer' | 'input' | 'output' | 'unspecified';

export const SESSION_KINDS: readonly SessionKind[] = ['viewer', 'input', 'output', 'unspecified'];

/** A transport's short name, in lower case (it is made so). The known ones are listed; an adapter may bring its own. */
export type Protocol =
  | 'hls'
  | 'dash'
  | 'rtmp'
  | 'rtsp'
  | 'srt'
  | 'http-flv'
  | 'ws-flv'
  | 'websocket'
  | 'mpegts'
  // Keeps the completion list above while any other string stays allowed.
  | (string & {});
