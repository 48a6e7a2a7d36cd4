import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { MediaTypes } from '../src/media/extensions.js';
import { mediaPathReader, UNREADABLE } from '../src/media/media-path.js';
import { endOfPlainPath } from '../src/media/plain-path.js';
import { targetOf } from '../src/request/target.js';

const reader = mediaPathReader(new MediaTypes(), false);
const read = (pathname: string) => reader.read(pathname, false);
const pathOf = (pathname: string) => {
  const media = read(pathname);
  return typeof media === 'object' ? media.path : media;
};

describe('the path of a media file', () => {
  it.each([
    '/cam1/seg0.ts',
    'cam1/seg0.ts',
    '//cam1//seg0.ts',
    '/./cam1/./seg0.ts',
    '/x/../cam1/seg0.ts',
    '/x/y/../../cam1/seg0.ts',
    '/cam1/seg0.ts/',
    '/cam1/x/../seg0.ts',
    '/%63am1/seg0.ts',
    '/cam1/seg0%2Ets',
    '/cam1/seg0.t%73',
    '/cam1%2Fseg0.ts',
    '/cam1%2fseg0.ts',
    '/%2e/cam1/seg0.ts',
    '/a%20b/../cam1/seg0.ts',
  ])('reads %s as one file', (pathname) => {
    expect(pathOf(pathname)).toBe('cam1/seg0.ts');
  });

  it('decodes once: %25 is a percent sign', () => {
    expect(pathOf('/50%25/seg0.ts')).toBe('50%/seg0.ts');
    expect(read('/%2563am1/seg0.ts')).toBe(UNREADABLE); // some servers decode twice
  });

  it('counts an extension whatever its case', () => {
    expect(pathOf('/cam1/SEG0.TS')).toBe('cam1/SEG0.TS');
    expect(pathOf('/cam1/index.M3U8')).toBe('cam1/index.M3U8');
  });

  it.each([
    '/',
    '',
    '*',
    '/cam1/',
    '/cam1/notes.txt',
    '/cam1.ts/notes.txt',
    '/C%23%20in%20a%20week/notes.txt',
    '/cam1/index.ts.html',
    '/cam1/seg0.ts~',
    '/ts',
    '/cam1/sound.aac',
  ])('lets %s pass', (pathname) => {
    expect(pathOf(pathname)).toBeUndefined();
  });

  it.each([
    '/cam1/%zz/seg0.ts',
    '/cam1/%/seg0.ts',
    '/cam1/%E0%A4/seg0.ts',
    '/cam1/seg0.ts%00',
    '/cam1/seg0.ts%00.txt',
    '/cam1%00/seg0.ts',
    '/cam1%0A/seg0.ts',
    '/../cam1/seg0.ts',
    '/%2e%2e/cam1/seg0.ts',
    '/..%2Fcam1/seg0.ts',
    '/cam1/../../cam1/seg0.ts',
    '/..\\cam1\\seg0.ts',
    '/cam1\\seg0.ts',
    '/cam1%5Cseg0.ts',
    '/cam1%255cseg0.ts',
    '/a%5cb/../cam1/seg0.ts',
    '/a\\b/../cam1/seg0.ts',
    '/a%255cb/../cam1/seg0.ts',
    '/cam1/seg0%252ets',
    '/x%2F..%2Fcam1/seg0.ts',
    '/x/%2e%2E/cam1/seg0.ts',
    '/x/.%2e/cam1/seg0.ts',
    '/x%252f..%252fcam1/seg0.ts',
    '/a%2fb/../cam1/seg0.ts',
    '/x/%2e/../cam1/seg0.ts',
    '/cam1//../720p/seg0.ts',
    '/cam1/seg0.ts;v=1',
    '/cam1;x/seg0.ts',
    '/cam2/..;/cam1/seg0.ts',
    '/cam1/seg0.ts%3Fx',
    '/cam1/seg0.ts%23x/y.txt',
    '/cam1/seg0.ts.',
    '/cam1/seg0.ts%20',
    '/cam1/seg0.ts. .%20',
    '/cam1/seg0.ts::$DATA',
    '/cam1/seg0.t\u017f',
    '/cam1/seg0.t%C5%BF',
    '/cam1/seg0.t%E2%80%8Cs',
    '/cam1/seg0\uff0ets',
    '/caf\u00e9/../cam1/seg0.ts',
    '/cam1/seg0.ts%c0%ae',
  ])('cannot read %s', (pathname) => {
    expect(read(pathname)).toBe(UNREADABLE);
  });

  it('lets broken paths pass that are not for media', () => {
    expect(read('/notes%zz.txt')).toBeUndefined();
    expect(read('/../notes.txt')).toBeUndefined();
  });

  it('scans 10,000 characters without copying them', () => {
    expect(pathOf(`/cam1/${'a'.repeat(10_000)}.ts`)).toHaveLength(10_008);
    expect(pathOf(`/cam1/x.${'a'.repeat(10_000)}`)).toBeUndefined();
  });

  it('reads raw bytes like escaped ones, and both forms of é alike', () => {
    const sent = Buffer.from('/cam\u00e9ra/seg0.ts').toString('latin1');
    for (const pathname of [sent, '/cam%C3%A9ra/seg0.ts', '/came%CC%81ra/seg0.ts', '/cam\u00e9ra/seg0.ts']) {
      expect(pathOf(pathname)).toBe('cam\u00e9ra/seg0.ts');
    }
  });

  it('keeps escaped slashes and question marks in names that do not climb', () => {
    expect(pathOf('/live%2Fcam1/seg0.ts')).toBe('live/cam1/seg0.ts');
    expect(pathOf('/C%23%20in%20a%20week%3F/1.ts')).toBe('C# in a week?/1.ts');
  });

  it('does not confuse names that Windows does', () => {
    const onWindows = mediaPathReader(new MediaTypes(), true);
    for (const pathname of [
      '/cam1./seg0.ts',
      '/cam1%20/seg0.ts',
      '/CAMERA~1/seg0.ts',
      '/cam1::$INDEX_ALLOCATION/seg0.ts',
    ]) {
      expect(onWindows.read(pathname, false)).toBe(UNREADABLE);
      expect(typeof read(pathname)).toBe('object');
    }
    expect(onWindows.read('/cam1/seg0.ts', false)).toMatchObject({ path: 'cam1/seg0.ts' });
  });

  it('reads files of other types only when asked to', () => {
    for (const pathname of ['/cam1/sound.aac', '/cam1/key.KEY', '/cam1/de%2Evtt']) {
      expect(read(pathname)).toBeUndefined();
      expect(reader.read(pathname, true)).toMatchObject({ type: { manifest: false } });
    }
    expect(reader.read('/cam1/notes.txt', true)).toBeUndefined();
  });
});

describe('a plain path', () => {
  const characters = fc.constantFrom(...'abT.s/\\%2eF?#;: \t\xa0~!"é0-'.split(''), '.ts', '.m3u8', '/..', '%2e');
  const targets = fc.array(characters, { maxLength: 12 }).map((parts) => `/${parts.join('')}`);

  it('is read with the same result as the full parser, whatever the target', () => {
    let plain = 0;
    fc.assert(
      fc.property(targets, (target) => {
        const end = endOfPlainPath(target);
        if (end < 0) return;
        plain++;
        const { pathname } = targetOf({ url: target } as IncomingMessage)!;
        expect(target.slice(0, end)).toBe(pathname);
        const media = read(pathname!);
        expect(typeof media === 'object' ? media.path : '').toBe(typeof media === 'object' ? target.slice(1, end) : '');
      }),
      { numRuns: 20_000 },
    );
    expect(plain).toBeGreaterThan(1000);
  });
});
