import { streamName } from '../src/media/stream-name.js';

const first = (path: string, mount = '') => streamName(path, 'first-segment', () => mount);
const directory = (path: string, mount = '') => streamName(path, 'dirname', () => mount);

describe('the stream of a file', () => {
  it('is its first directory', () => {
    expect(first('cam1/seg0.ts')).toBe('cam1');
    expect(first('cam1/720p/seg0.ts')).toBe('cam1');
  });

  it('is its whole directory when asked so', () => {
    expect(directory('cam1/seg0.ts')).toBe('cam1');
    expect(directory('cam1/720p/seg0.ts')).toBe('cam1/720p');
  });

  it('leaves out a leading live/, whatever its case, for a router mounted there ignores it', () => {
    expect(first('live/cam1/seg0.ts')).toBe('cam1');
    expect(first('LIVE/cam1/seg0.ts')).toBe('cam1');
    expect(directory('Live/cam1/720p/seg0.ts')).toBe('cam1/720p');
    expect(first('live/live/seg0.ts')).toBe('live');
    expect(first('lively/seg0.ts')).toBe('lively');
  });

  it('is live when that is all there is', () => {
    expect(first('live/seg0.ts')).toBe('live');
    expect(first('LIVE/seg0.ts')).toBe('live');
  });

  it('is named after the mount when the file lies right there', () => {
    expect(first('seg0.ts', 'cam1')).toBe('cam1');
    expect(first('seg0.ts', 'live/cam1')).toBe('cam1');
    expect(first('seg0.ts', 'media/CAM1')).toBe('media/cam1');
  });

  it('is nothing when neither names one', () => {
    expect(first('seg0.ts')).toBeUndefined();
    expect(directory('seg0.ts')).toBeUndefined();
  });
});
