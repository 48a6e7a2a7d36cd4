import { UNREADABLE } from '../src/media/media-path.js';
import { NAMELESS, streamOfCallback, streamOfMount, streamOfPath } from '../src/media/stream-name.js';

const first = (path: string) => streamOfPath(path, 'first-segment');
const directory = (path: string) => streamOfPath(path, 'dirname');

describe('the stream of a file', () => {
  it('is its first directory', () => {
    expect(first('cam1/seg0.ts')).toBe('cam1');
    expect(first('cam1/720p/seg0.ts')).toBe('cam1');
  });

  it('is its whole directory with `dirname`', () => {
    expect(directory('cam1/seg0.ts')).toBe('cam1');
    expect(directory('cam1/720p/seg0.ts')).toBe('cam1/720p');
  });

  it('leaves out a leading live/ in any case, because a router mounted there ignores case', () => {
    expect(first('live/cam1/seg0.ts')).toBe('cam1');
    expect(first('LIVE/cam1/seg0.ts')).toBe('cam1');
    expect(directory('Live/cam1/720p/seg0.ts')).toBe('cam1/720p');
    expect(first('live/live/seg0.ts')).toBe('live');
    expect(first('lively/seg0.ts')).toBe('lively');
  });

  it('is live if nothing else is left', () => {
    expect(first('live/seg0.ts')).toBe('live');
    expect(first('LIVE/seg0.ts')).toBe('live');
  });

  it('is named after the mount if the file is directly there', () => {
    expect(first('seg0.ts')).toBeUndefined();
    expect(directory('seg0.ts')).toBeUndefined();
    expect(streamOfMount('cam1')).toBe('cam1');
    expect(streamOfMount('live/cam1')).toBe('cam1');
    expect(streamOfMount('media/CAM1')).toBe('media/cam1');
    expect(streamOfMount('')).toBe(NAMELESS);
  });

  it('is what a function returns, in one spelling', () => {
    for (const code of ['cam1/720p', '/cam1/720p/', 'cam1//720p', './cam1/./720p']) {
      expect(streamOfCallback(code)).toBe('cam1/720p');
    }
    expect(streamOfCallback('cam 1')).toBe('cam 1');
    expect(streamOfCallback('..')).toBe(UNREADABLE);
    expect(streamOfCallback('x/../cam1')).toBe(UNREADABLE);
  });

  it('does not exist if a function says so: null on purpose, undefined if it does not know', () => {
    expect(streamOfCallback(null)).toBeUndefined();
    for (const nothing of [undefined, '', '/', './']) expect(streamOfCallback(nothing)).toBe(NAMELESS);
    expect(() => streamOfCallback(7)).toThrow('a string, undefined or null');
  });
});
