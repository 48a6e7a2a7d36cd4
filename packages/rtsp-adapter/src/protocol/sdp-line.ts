import { withoutUserinfo } from '@stream-sessions/core/spi';

/** One line of SDP (RFC 4566 §5): `m=video 0 RTP/AVP 96` has type `m`. */
export interface SdpLine {
  readonly type: string;
  readonly value: string;
}

/** A parsed line of type `m`. Port and transport are the publisher's own; players are given theirs in SETUP. */
export interface Medium {
  readonly type: string;
  readonly profile: 'RTP/AVP' | 'RTP/AVPF';
  /** RTP payload types. */
  readonly formats: readonly string[];
}

// eslint-disable-next-line no-control-regex
const LINE = /^\s*([a-z])=([^\x00-\x08\x0a-\x1f\x7f]*)$/;

/**
 * Parses a line. Players receive the lines of their publisher, so passwords in URLs are removed.
 *
 * @returns undefined if it is not a valid line
 */
export function readLine(text: string): SdpLine | undefined {
  const [, type, value] = LINE.exec(text) ?? [];
  return type === undefined || value === undefined ? undefined : { type, value: withoutUserinfo(value) };
}

/** Some encoders write `RTP/AVP/TCP` (RFC 4571) before SETUP settles the transport. */
const PROFILE = /^RTP\/AVP(F?)(?:\/(?:TCP|UDP))?$/i;

/** @returns undefined if it is not unencrypted RTP, or its content is unclear */
export function readMedium(value: string): Medium | undefined {
  const words = value.split(/\s+/).filter((word) => word !== '');
  const at = words.findIndex((word) => PROFILE.test(word));
  const [type = ''] = words;
  const formats = words.slice(at + 1).filter((word) => /^\d{1,3}$/.test(word) && Number(word) < 128);
  if (at < 1 || formats.length === 0 || !/^[a-z]{1,20}$/i.test(type)) return undefined;
  const profile = /F/i.test((words[at] as string).slice(7, 8)) ? 'RTP/AVPF' : 'RTP/AVP';
  return { type: type.toLowerCase(), profile, formats };
}
