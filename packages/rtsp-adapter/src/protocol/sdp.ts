/** What is published, as SDP (RFC 4566, RFC 2326 appendix C): one medium is one track. */
export interface Description {
  readonly session: readonly string[];
  readonly tracks: readonly Track[];
  /** Two descriptions with the same shape can be played by the same player without asking again. */
  readonly shape: string;
}

export interface Track {
  readonly lines: readonly string[];
  /** What the publisher calls it in SETUP. */
  readonly control: string;
}

export const MAX_TRACKS = 16;
/** A line of SDP that can be handed on as it is. */
// eslint-disable-next-line no-control-regex
const LINE = /^[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*$/;
const MEDIUM = /^m=[a-z]+ \d{1,5}(?:\/\d+)? (RTP\/AVPF?)(?: \d{1,3})+$/;
const CONTROL = /^a=control:\s*(\S+)\s*$/;

/** @returns undefined when it is no SDP, or describes no RTP that could be relayed */
export function parseSdp(text: string): Description | undefined {
  const lines = text.split(/\r\n|\n/).filter((line) => line !== '');
  if (lines[0] !== 'v=0' || !lines.every((line) => LINE.test(line))) return undefined;
  const media = lines.map((line, at) => (line.startsWith('m=') ? at : -1)).filter((at) => at >= 0);
  if (media.length === 0 || media.length > MAX_TRACKS) return undefined;
  if (!media.every((at) => MEDIUM.test(lines[at] as string))) return undefined;
  const tracks = media.map((at, i) => trackOf(lines.slice(at, media[i + 1]), i));
  const session = lines.slice(1, media[0]).filter((line) => !CONTROL.test(line));
  return { session, tracks, shape: tracks.map(shapeOf).join('\n') };
}

function trackOf(lines: readonly string[], index: number): Track {
  const control = lines.map((line) => CONTROL.exec(line)?.[1]).find((name) => name !== undefined && name !== '*');
  return {
    // The port and the address are the publisher's; a player is told its own in SETUP.
    lines: lines
      .filter((line) => !CONTROL.test(line) && !line.startsWith('c='))
      .map((line) => line.replace(/^(m=[a-z]+) \S+/, '$1 0')),
    control: control ?? `trackID=${index}`,
  };
}

const shapeOf = ({ lines }: Track): string => lines.filter((line) => /^(?:m=|a=rtpmap:|a=fmtp:)/.test(line)).join('\n');

/** The name of a track for players. */
export const playerControl = (index: number): string => `trackID=${index}`;

/** The description for players: tracks go by our names, which SETUP brings back. */
export function formatSdp({ session, tracks }: Description): string {
  const has = (type: string): boolean => session.some((line) => line.startsWith(type));
  const lines = ['v=0'];
  if (!has('o=')) lines.push('o=- 0 0 IN IP4 0.0.0.0');
  if (!has('s=')) lines.push('s= ');
  lines.push(...session.filter((line) => !line.startsWith('c=')).sort(byOrder));
  if (!has('t=')) lines.push('t=0 0');
  // Behind c= and t=, before the first medium.
  lines.push('a=control:*');
  tracks.forEach((track, i) => {
    const [medium = '', ...rest] = track.lines;
    lines.push(medium, 'c=IN IP4 0.0.0.0', ...rest, `a=control:${playerControl(i)}`);
  });
  return `${lines.join('\r\n')}\r\n`;
}

/** The order that RFC 4566 §5 wants of session lines; those of one type stay as they are. */
const ORDER = 'vosiuepcbtrzka';
const byOrder = (a: string, b: string): number => ORDER.indexOf(a[0] as string) - ORDER.indexOf(b[0] as string);
