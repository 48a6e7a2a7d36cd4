import { createHash } from 'node:crypto';
import { ownCopy } from '@stream-sessions/core/spi';
import { readLine, readMedium, type SdpLine } from './sdp-line.js';

/**
 * What is published, as SDP (RFC 4566, RFC 2326 appendix C): one medium is one track. None of its texts is a slice of a longer
 * one.
 */
export interface Description {
  /** Everything before the first medium. */
  readonly session: string;
  readonly tracks: readonly Track[];
  /** Media that cannot be relayed, under the publisher's names in SETUP. */
  readonly unused: readonly string[];
  /** A player can switch between descriptions of the same shape without asking again. */
  readonly shape: string;
}

export interface Track {
  /** Everything from its medium to the next one, except its control. */
  readonly text: string;
  /** The publisher's name for it in SETUP. */
  readonly control: string;
}

/** The result of parsing an SDP. */
export interface ReadSdp {
  /** Undefined: it contains nothing that can be relayed. */
  readonly description: Description | undefined;
  /** What was skipped, for diagnosis: `line 7 "m=application 9 TCP/WSS 1"`. Empty: nothing. */
  readonly leftOut: string;
}

export const MAX_TRACKS = 16;
const MAX_NAMED = 5;
const MAX_SHOWN = 80;
const CONTROL = /^control\s*:/i;

/**
 * Encoders are not strict about what they write: whatever can be relayed is accepted, whatever else is there. Lines may end in
 * any way, and everything that RFC 4566 requires before the first medium may be missing.
 */
export function readSdp(text: string): ReadSdp {
  const passedOver: Place[] = [];
  const session: SdpLine[] = [];
  const media: { control: string; lines: SdpLine[]; place: Place }[] = [];
  text.split(/\r\n|[\r\n\0]/).forEach((line, i) => {
    if (line.trim() === '') return;
    const read = readLine(line);
    // Its text is not repeated, because it could be anything.
    if (read === undefined) passedOver.push({ line: i + 1, text: '' });
    else if (read.type === 'm') {
      const place = { line: i + 1, text: ` ${JSON.stringify(`m=${read.value}`.slice(0, MAX_SHOWN))}` };
      media.push({ control: `trackID=${media.length}`, lines: [read], place });
    } else if (read.type === 'a' && CONTROL.test(read.value)) {
      const medium = media.at(-1);
      const name = read.value.replace(CONTROL, '').trim();
      if (medium !== undefined && name !== '*' && name !== '') medium.control = name;
    } else (media.at(-1)?.lines ?? session).push(read);
  });
  const tracks: Track[] = [];
  const unused: string[] = [];
  media.forEach(({ control, lines, place }, i) => {
    const track = i < MAX_TRACKS ? trackText(lines) : undefined;
    if (track !== undefined) tracks.push({ text: track, control: ownCopy(control) });
    else {
      passedOver.push(place);
      if (i < MAX_TRACKS) unused.push(ownCopy(control));
    }
  });
  const description = { session: sessionText(session), tracks, unused, shape: shapeOf(tracks) };
  return { description: tracks.length === 0 ? undefined : description, leftOut: named(passedOver) };
}

/** The name of a track, for players. */
export const trackName = (index: number): string => `trackID=${index}`;

/** The description for players: tracks have our names, which SETUP refers to. @param controlOf Names a track */
export const formatSdp = ({ session, tracks }: Description, controlOf = trackName): string =>
  session + tracks.map(({ text }, i) => `${text}a=control:${controlOf(i)}\r\n`).join('');

/** The order that RFC 4566 §5 requires of session lines; lines of the same type keep theirs. */
const ORDER = 'osiuepbtrzka';
const ONCE = 'os';

function sessionText(lines: readonly SdpLine[]): string {
  const types = new Set<string>();
  const given = lines.filter(({ type }) => {
    const isAgain = types.has(type);
    types.add(type);
    return ORDER.includes(type) && !(isAgain && ONCE.includes(type));
  });
  if (!types.has('o')) given.push({ type: 'o', value: '- 0 0 IN IP4 0.0.0.0' });
  if (!types.has('s')) given.push({ type: 's', value: ' ' });
  if (!types.has('t')) given.push({ type: 't', value: '0 0' });
  given.sort((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type));
  return textOf([{ type: 'v', value: '0' }, ...given, { type: 'a', value: 'control:*' }]);
}

/** Port and address are the publisher's; a player is given its own in SETUP. */
function trackText([first, ...rest]: readonly SdpLine[]): string | undefined {
  const medium = first && readMedium(first.value);
  if (medium === undefined) return undefined;
  const { type, profile, formats } = medium;
  return textOf([
    { type: 'm', value: [type, 0, profile, ...formats].join(' ') },
    { type: 'c', value: 'IN IP4 0.0.0.0' },
    ...rest.filter((line) => 'ibka'.includes(line.type)),
  ]);
}

const textOf = (lines: readonly SdpLine[]): string => lines.map(({ type, value }) => `${type}=${value}\r\n`).join('');

function shapeOf(tracks: readonly Track[]): string {
  const shape = createHash('sha256');
  for (const { text } of tracks) {
    for (const line of text.split('\r\n')) if (/^(?:m=|a=rtpmap:|a=fmtp:)/.test(line)) shape.update(`${line}\n`);
  }
  return shape.digest('base64');
}

interface Place {
  readonly line: number;
  readonly text: string;
}

function named(all: Place[]): string {
  const more = all.length - MAX_NAMED;
  const first = all.sort((a, b) => a.line - b.line).slice(0, MAX_NAMED);
  return first.map(({ line, text }) => `line ${line}${text}`).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
