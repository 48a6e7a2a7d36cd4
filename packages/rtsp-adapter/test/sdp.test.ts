import fc from 'fast-check';
import { formatSdp, readSdp } from '../src/protocol/sdp.js';
import { SDP } from './support/rtsp-client.js';

const read = (text: string) => {
  const { description, leftOut } = readSdp(text);
  if (description === undefined) throw new Error(`it was not read: ${leftOut}`);
  return { ...description, leftOut };
};
const media = (text: string) => formatSdp(read(text)).match(/^m=.*$/gm);
const controls = (text: string) => read(text).tracks.map(({ control }) => control);
const VIDEO = 'm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n';

describe('a description', () => {
  it('goes to players with the relay’s track names, and without the addresses of the publisher', () => {
    const text = formatSdp(read(SDP.replace('t=0 0', 'c=IN IP4 10.0.0.7\r\nt=0 0\r\na=control:*')));
    expect(text.split('\r\n')).toEqual([
      'v=0',
      'o=- 0 0 IN IP4 127.0.0.1',
      's=test',
      't=0 0',
      'a=control:*',
      'm=video 0 RTP/AVP 96',
      'c=IN IP4 0.0.0.0',
      'a=rtpmap:96 H264/90000',
      'a=control:trackID=0',
      'm=audio 0 RTP/AVP 97',
      'c=IN IP4 0.0.0.0',
      'a=rtpmap:97 MPEG4-GENERIC/44100/1',
      'a=control:trackID=1',
      '',
    ]);
  });

  it('has the same shape as another one that the same player could play', () => {
    const shape = (text: string) => read(text).shape;
    expect(shape(SDP)).toBe(shape(SDP.replace('s=test', 's=other').replace('o=- 0 0', 'o=- 7 8')));
    expect(shape(SDP)).not.toBe(shape(SDP.replace('H264', 'H265')));
    expect(shape(SDP)).not.toBe(shape(SDP.slice(0, SDP.indexOf('m=audio'))));
  });

  it('has no passwords in its URLs', () => {
    const text = formatSdp(
      read(`${SDP}u=http://me:secret@h/\r\na=x:rtsp://me:secret@h/ //secret@\r\na=control:rtsp://me:secret@h/ x\r\n`),
    );
    expect(text).not.toContain('secret');
  });
});

describe('an SDP as encoders write it', () => {
  it('may lack everything before the first medium', () => {
    expect(formatSdp(read(VIDEO))).toMatch(/^v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns= \r\nt=0 0\r\na=control:\*\r\nm=video/);
    expect(read(VIDEO).leftOut).toBe('');
  });

  it.each([
    ['a profile that names TCP, as Larix writes', 'm=video 0 RTP/AVP/TCP 96'],
    ['a profile that names UDP', 'm=video 0 RTP/AVP/UDP 96'],
    ['a profile in lower case', 'm=video 0 rtp/avp 96'],
    ['blanks behind its type', 'm= video 0 RTP/AVP 96'],
    ['blanks at its end', 'm=video 0 RTP/AVP 96  \t'],
    ['two blanks in it', 'm=video  0  RTP/AVP  96'],
    ['blanks before it', '  m=video 0 RTP/AVP 96'],
    ['an invalid port', 'm=video (null) RTP/AVP 96'],
    ['no port', 'm=video RTP/AVP 96'],
    ['two ports', 'm=video 5000/2 RTP/AVP 96'],
    ['an unknown format', 'm=video 0 RTP/AVP 96 (null)'],
  ])('may have a medium with %s', (_what, medium) => {
    expect(media(VIDEO.replace(/^m=.*$/m, medium))).toEqual(['m=video 0 RTP/AVP 96']);
    expect(controls(VIDEO.replace(/^m=.*$/m, medium))).toEqual(['streamid=0']);
  });

  it('keeps the profile with feedback (AVPF)', () => {
    expect(media('m=audio 0 RTP/AVPF/TCP 0 8')).toEqual(['m=audio 0 RTP/AVPF 0 8']);
  });

  it.each([
    ['LF alone', '\n'],
    ['CR alone', '\r'],
    ['CRLF and a blank', ' \r\n'],
  ])('may end its lines with %s', (_what, end) => {
    expect(controls(SDP.replaceAll('\r\n', end))).toEqual(['streamid=0', 'streamid=1']);
    expect(read(SDP.replaceAll('\r\n', end)).leftOut).toBe('');
  });

  it('may end with a NUL byte', () => expect(read(`${SDP}\0`).leftOut).toBe(''));

  it('may have spaces around the name of a track', () => {
    expect(controls(VIDEO.replace('control:', 'control: ').replace('streamid=0', 'streamid=0 '))).toEqual([
      'streamid=0',
    ]);
  });

  it.each([
    ['(null)', 'line 2'],
    ['hello', 'line 2'],
    ['s=\u0007', 'line 2'],
    ['M=video 0 RTP/AVP 96', 'line 2'],
  ])('may contain the line "%s", which is left out and named', (line, named) => {
    const { tracks, leftOut } = read(`v=0\r\n${line}\r\n${VIDEO}`);
    expect([tracks.length, leftOut]).toEqual([1, named]);
  });

  it.each([
    'm=application 9 TCP/WSS 1',
    'm=video 0 RTP/SAVP 96',
    'm=audio 0 RTP/AVP',
    'm=audio 0 RTP/AVP (null)',
    'm=(null)',
    'm=',
  ])('may contain "%s" beside a good medium: it is left out and named', (medium) => {
    for (const text of [
      `v=0\r\n${VIDEO}${medium}\r\na=control:odd\r\n`,
      `v=0\r\n${medium}\r\na=control:odd\r\n${VIDEO}`,
    ]) {
      const { tracks, unused, leftOut } = read(text);
      expect([tracks.map(({ control }) => control), unused]).toEqual([['streamid=0'], ['odd']]);
      expect(leftOut).toMatch(/^line \d "/);
      expect(leftOut).toContain(`"${medium}"`);
      expect(formatSdp(read(text))).not.toContain('odd');
    }
  });

  it('has its media numbered in the order of its lines if they have no names', () => {
    const { tracks, unused } = read('m=data 0 UDP 1\r\nm=audio 0 RTP/AVP 0\r\n');
    expect([tracks[0]!.control, unused]).toEqual(['trackID=1', ['trackID=0']]);
  });

  it('with more media than the limit keeps the first of them', () => {
    const { tracks, leftOut } = read('m=audio 0 RTP/AVP 0\r\n'.repeat(30));
    expect(tracks).toHaveLength(16);
    expect(leftOut).toMatch(/^line 17 "m=audio 0 RTP\/AVP 0", line 18 .* and 9 more$/);
  });

  it.each([
    ['', ''],
    ['v=0\r\ns=x\r\n', ''],
    ['v=0\r\nhello\r\n', 'line 2'],
    ['v=0\r\nm=application 9 TCP/WSS 1\r\n', 'line 2 "m=application 9 TCP/WSS 1"'],
    [`m=video ${'x'.repeat(200)}\r\n`, `line 1 "m=video ${'x'.repeat(72)}"`],
  ])('with nothing to relay has no tracks: %j', (text, leftOut) => {
    expect(readSdp(text)).toEqual({ description: undefined, leftOut });
  });

  it('may be any text, and any description that is accepted can be written', () => {
    const line = fc.constantFrom(
      ...[
        'v=0',
        's=x',
        'm=video 0 RTP/AVP 96',
        'm=video 0 UDP 1',
        'a=control:x',
        'a=control:*',
        'a=rtpmap:96 H264/90000',
      ],
      ...['x', 'c=IN', ' ', '\u0000', 'm=', 'z=x', 't=1 1'],
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(line).map((lines) => lines.join('\n')),
        ),
        (text) => {
          const { description } = readSdp(text);
          if (description === undefined) return;
          const given = formatSdp(description);
          expect(readSdp(given).leftOut).toBe('');
          expect(formatSdp(read(given))).toBe(given);
          expect(read(given).shape).toBe(description.shape);
        },
      ),
      { numRuns: 500 },
    );
  });
});
