import { withoutUserinfo } from '@stream-sessions/core/spi';

/** One line of SDP (RFC 4566 §5): `m=video 0 RTP/AVP 96` has type `m`. */
export interface SdpLine {
  readonly type: string;
  readonly value: string;
}

/** What a line of type `m` says. The port and the transport are the publisher's own; players are told theirs in SETUP. */
export interface Medium {
  readonly type: string;
  readonly profile: 'RTP/AVP' | 'RTP/AVPF';
  /** RTP payload types. */
  readonly formats: readonly string[];
}

// eslint-disable-next-line no-control-regex
const LINE = /^\s*([a-z])=([^\x00-\x08\x0a-\x1f\x7f]*)$/;

/**
 * Players are handed the lines of their publisher: without a password that stands in a URL.
 *
 * @returns undefined when it is none
 */
export function readLine(text: string): SdpLine | undefined {
  const [, type, value] = LINE.exec(text) ?? [];
  return type === undefined || value === undefined ? undefined : { type, value: withoutUserinfo(value) };
}

/** Some say `RTP/AVP/TCP` (RFC 4571) before they are asked in SETUP how they would send. */
const PROFILE = /^RTP\/AVP(F?)(?:\/(?:TCP|UDP))?$/i;

/** @returns undefined when it is not RTP in clear, or nobody can say what is in it */
export function readMedium(value: string): Medium | undefined {
  const words = value.split(/\s+/).filter((word) => word !== '');
  const at = words.findIndex((word) => PROFILE.test(word));
  const [type = ''] = words;
  const formats = words.slice(at + 1).filter((word) => /^\d{1,3}$/.test(word) && Number(word) < 128);
  if (at < 1 || formats.length === 0 || !/^[a-z]{1,20}$/i.test(type)) return undefined;
  const profile = /F/i.test((words[at] as string).slice(7, 8)) ? 'RTP/AVPF' : 'RTP/AVP';
  return { type: type.toLowerCase(), profile, formats };
}
