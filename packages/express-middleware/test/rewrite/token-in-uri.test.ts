import fc from 'fast-check';
import { tokens } from './support.js';

const plain = tokens({ token: 'me' });

describe('a URI with the token', () => {
  it.each([
    ['seg1.ts', 'seg1.ts?tkn=me'],
    ['../720p/seg1.ts', '../720p/seg1.ts?tkn=me'],
    ['/cam1/seg1.ts', '/cam1/seg1.ts?tkn=me'],
    ['seg1.ts?v=2', 'seg1.ts?v=2&tkn=me'],
    ['seg1.ts?', 'seg1.ts?tkn=me'],
    ['seg1.ts?v=2&', 'seg1.ts?v=2&tkn=me'],
    ['?v=2', '?v=2&tkn=me'],
    ['seg1.ts#t=1', 'seg1.ts?tkn=me#t=1'],
    ['seg1.ts?v=2#t=1?x', 'seg1.ts?v=2&tkn=me#t=1?x'],
    ['dir/12:30.ts', 'dir/12:30.ts?tkn=me'],
    ['ordner/ä ö.ts', 'ordner/ä ö.ts?tkn=me'],
    ['http://media.example:8080/a.ts', 'http://media.example:8080/a.ts?tkn=me'],
    ['HTTP://Media.Example:8080/a.ts', 'HTTP://Media.Example:8080/a.ts?tkn=me'],
    ['https://media.example:8080/a.ts', 'https://media.example:8080/a.ts?tkn=me'],
    ['//media.example:8080/a.ts', '//media.example:8080/a.ts?tkn=me'],
    ['http://media.example:8080', 'http://media.example:8080?tkn=me'],
  ])('keeps what was there: %s', (uri, written) => expect(plain.write(uri)).toBe(written));

  it.each([
    ['seg1.ts?tkn=old&v=2', 'seg1.ts?tkn=me&v=2'],
    ['seg1.ts?tkn=old&v=2&tkn=older', 'seg1.ts?tkn=me&v=2'],
    ['seg1.ts?token=own', 'seg1.ts?token=own'],
    ['seg1.ts?xtkn=1', 'seg1.ts?xtkn=1&tkn=me'],
  ])('never has it twice: %s', (uri, written) => {
    expect(plain.write(uri)).toBe(written);
    expect(plain.write(written)).toBe(written);
  });

  it.each([
    'http://cdn.example/a.ts',
    'https://media.example/a.ts',
    'http://media.example:8081/a.ts',
    'http://media.example:8080@evil.example/a.ts',
    '//evil.example/a.ts',
    '/\\evil.example/a.ts',
    '\\\\evil.example/a.ts',
    'http:\\\\evil.example/a.ts',
    'ht\ttp://evil.example/a.ts',
    '/\t/evil.example/a.ts',
    'skd://key1',
    'data:text/plain;base64,AAAA',
    'urn:mpeg:dash:resolve-to-zero:2013',
    'javascript:alert(1)',
    'ftp://media.example:8080/a.ts',
    'http://[',
    'seg-12:30.ts',
    '#t=1',
    '',
  ])('is not written if it would leave the origin, or not be requested: %s', (uri) =>
    expect(plain.write(uri)).toBe(uri),
  );

  it('is not written from https to http', () => {
    const secure = tokens({ token: 'me', secure: true, host: 'media.example' });
    expect(secure.write('http://media.example/a.ts')).toBe('http://media.example/a.ts');
    expect(secure.write('https://media.example:443/a.ts')).toBe('https://media.example:443/a.ts?tkn=me');
    expect(secure.write('//media.example/a.ts')).toBe('//media.example/a.ts?tkn=me');
  });

  it.each([undefined, '', 'a/b', 'a@b', 'a b', '[', 'x\\y'])(
    'is written only into relative URIs if the host is %j',
    (host) => {
      const lost = tokens({ token: 'me', host });
      expect(lost.write('a.ts')).toBe('a.ts?tkn=me');
      for (const uri of ['http://a/a.ts', 'http://b/a.ts', '//x/a.ts', 'http://nowhere.invalid/a']) {
        expect(lost.write(uri)).toBe(uri);
      }
    },
  );

  it('leads to the same place, and differs only in the token', () => {
    const base = 'http://media.example:8080/cam1/720p/index.m3u8?x=1';
    const characters = fc.string({ unit: fc.constantFrom(...'/\\:?#&=@.%abhtpskn1 \t$[]', 'tkn=', '//', 'http:') });
    fc.assert(
      fc.property(characters, fc.string({ minLength: 1 }), (uri, token) => {
        const writer = tokens({ token });
        const written = writer.write(uri);
        const behind = writer.behind(`<${uri}>`, 1, uri.length + 1);
        if (behind !== undefined) expect(uri + behind).toBe(written);
        if (written === uri) return;
        const [before, after] = [new URL(uri, base), new URL(written, base)];
        expect(after.host).toBe('media.example:8080');
        expect([after.protocol, after.pathname, after.hash]).toEqual([before.protocol, before.pathname, before.hash]);
        expect(after.searchParams.getAll('tkn')).toEqual([token]);
        const others = [before, after].map(({ searchParams }) => [...searchParams].filter(([name]) => name !== 'tkn'));
        expect(others[1]).toEqual(others[0]);
      }),
      { numRuns: 3000 },
    );
  });
});
