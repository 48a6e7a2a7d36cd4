import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { playSample } from '../src/sample.js';

const SEGMENT_MS = 1920;
let folder: string;

beforeEach(() => {
  jest.useFakeTimers();
  folder = mkdtempSync(path.join(tmpdir(), 'sample-test-'));
});

afterEach(() => {
  jest.useRealTimers();
  rmSync(folder, { recursive: true });
});

const numbersOf = (track: string): number[] => {
  const names = readdirSync(folder).filter((name) => name.startsWith(`${track}-`) && name.endsWith('.m4s'));
  return names.map((name) => Number(/\d+/.exec(name)![0])).sort((a, b) => a - b);
};
const decodeTime = (name: string): number => {
  const segment = readFileSync(path.join(folder, name));
  return Number(segment.readBigUInt64BE(segment.indexOf('tfdt') + 8));
};
const listed = (): string[] => readFileSync(path.join(folder, 'video.m3u8'), 'utf8').match(/video-\d+\.m4s/g)!;

it('the sample has a whole live window from the start', () => {
  playSample(folder);
  expect(listed()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `video-${n}.m4s`));
  expect(readFileSync(path.join(folder, 'manifest.mpd'), 'utf8')).toContain('type="dynamic"');
});

it('the sample slides on, over the seam of the loop without a gap, and deletes old segments', async () => {
  playSample(folder);
  await jest.advanceTimersByTimeAsync(20 * SEGMENT_MS);
  expect(listed()).toEqual([20, 21, 22, 23, 24, 25].map((n) => `video-${n}.m4s`));
  expect(numbersOf('video')).toEqual(Array.from({ length: 12 }, (_, i) => 14 + i));
  for (const [track, timescale] of Object.entries({ video: 12_800, audio: 48_000 })) {
    const times = numbersOf(track).map((n) => decodeTime(`${track}-${n}.m4s`));
    times.forEach((time, i) => expect(time).toBeCloseTo((14 + i) * 1.92 * timescale, 3));
  }
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
