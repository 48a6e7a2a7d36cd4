import fc from 'fast-check';
import { parseStreamId, streamCode, tokenFromQuery } from '../src/index.js';
import { AddressReader, networkOf, normaliseAddress, parseBlock } from '../src/identity/address.js';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'/=?&#!:,%.live tokn[]rm0123') }),
);

describe('streamCode', () => {
  it.each([
    ['/live/cam1', 'cam1'],
    ['rtsp://h/live/cam1/trackID=1', 'cam1'],
    ['rtsp://user:secret@h:8554/live/cam1/streamid=0', 'cam1'],
    ['live/cam1', 'cam1'],
    ['/cam1/', 'cam1'],
    ['cam1', 'cam1'],
    ['RTMP://h/live/cam1?token=x#y', 'cam1'],
    ['//live//cam1', 'cam1'],
    ['/studio/cam1', 'studio/cam1'],
    ['/live', 'live'],
    ['/live/live', 'live'],
    ['/livestock/cam1', 'livestock/cam1'],
    // a stream may be called so: only `trackID=1` is a track
    ['/live/track1', 'track1'],
    ['/live/track1/trackID=0', 'track1'],
  ])('reads %s as %s', (path, code) => expect(streamCode(path)).toBe(code));

  it.each(['', '/', '///', 'rtsp://host', 'rtsp://host/', '?token=x'])('finds no stream in %j', (path) =>
    expect(streamCode(path)).toBeUndefined(),
  );

  it('drops another application name, or none', () => {
    expect(streamCode('/studio/cam1', { app: 'studio' })).toBe('cam1');
    expect(streamCode('/live/cam1', { app: 'studio' })).toBe('live/cam1');
    expect(streamCode('/live/cam1', { app: false })).toBe('live/cam1');
  });

  it('never throws, and returns no leading or trailing slash', () => {
    fc.assert(
      fc.property(text, (path) => {
        const code = streamCode(path);
        if (code === undefined) return;
        expect(code).not.toBe('');
        expect(code.startsWith('/') || code.endsWith('/')).toBe(false);
        expect(path).toContain(code);
      }),
    );
  });

  it('reads a hostile path in linear time', () => {
    const before = process.cpuUsage().user;
    for (const path of [
      '/'.repeat(100_000) + 'x',
      `x${'/'.repeat(100_000)}x`,
      '/track1'.repeat(20_000),
      'a://'.repeat(50_000),
    ]) {
      streamCode(path);
    }
    // it takes a millisecond; where a pattern backtracks it took ten seconds
    expect(process.cpuUsage().user - before).toBeLessThan(3_000_000);
  });
});

describe('tokenFromQuery', () => {
  it.each([
    ['', ''],
    ['a=1', ''],
    ['token=abc', 'abc'],
    ['?token=abc&x=1', 'abc'],
    ['x=1&tkn=abc', 'abc'],
    ['tkn=b&token=a', 'a'],
    ['token=', ''],
    ['token=&tkn=b', 'b'],
    ['token=a%20b%2Bc', 'a b+c'],
    ['mytoken=abc', ''],
    // given twice: nobody can say which one was meant, unless it is the same
    ['token=a&token=b', ''],
    ['token=a&token=', ''],
    ['token=a&x=1&token=a', 'a'],
    ['token=a%20b&token=a+b&token=a%20b', 'a b'],
    ['token=a&token=%zz', ''],
    ['token=a&token=b&tkn=c&tkn=c', 'c'],
    // unparseable: two broken tokens must not become one
    ['token=%zz', ''],
    ['token=%ff', ''],
    ['token=%', ''],
    ['token=%20abc%09', 'abc'],
    ['token=+abc+def+', 'abc def'],
    ['token=+%20&tkn=abc', 'abc'],
  ])('reads %j as %j', (query, token) => expect(tokenFromQuery(query)).toBe(token));

  it('returns any value that was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (token) => {
        expect(tokenFromQuery(`a=1&token=${encodeURIComponent(token)}&b`)).toBe(token.trim());
      }),
    );
  });

  it('never throws', () => fc.assert(fc.property(text, (query) => void tokenFromQuery(query))));
});

describe('parseStreamId', () => {
  it('reads the access-control syntax', () => {
    expect(parseStreamId('#!::r=live/cam1,m=request,u=me,token=abc')).toMatchObject({
      stream: 'cam1',
      mode: 'request',
      user: 'me',
      token: 'abc',
    });
    expect(parseStreamId('#!::r=cam1?token=abc,m=publish')).toMatchObject({
      stream: 'cam1',
      token: 'abc',
      mode: 'publish',
    });
    expect(parseStreamId('#!::r=cam1,t=stream').token).toBeUndefined();
    expect(parseStreamId('#!::m=request').stream).toBeUndefined();
  });

  it('reads the plain syntax', () => {
    expect(parseStreamId('live/cam1?token=abc&x=1')).toEqual({
      stream: 'cam1',
      token: 'abc',
      path: 'live/cam1',
      query: 'token=abc&x=1',
      params: { token: 'abc', x: '1' },
    });
    expect(parseStreamId('cam1')).toEqual({ stream: 'cam1', path: 'cam1', query: '', params: {} });
    expect(parseStreamId('').stream).toBeUndefined();
  });

  const encoded = (text: string): string => encodeURIComponent(text).replaceAll('!', '%21');
  const byHalves = (text: string): string => text.replace('#', '%23');
  const access = '#!::r=live/studio 1+2,m=publish,t=a/b';
  const form = new URLSearchParams({ x: access }).toString().slice(2);

  it.each([
    ['not at all', access],
    ['as a whole', encoded(access)],
    ['as a whole, in lower case', encoded(access).toLowerCase()],
    ['as forms do', form],
    ['in the character that URLs cannot have', byHalves(access)],
    ['behind that character', `#${encoded(access.slice(1))}`],
  ])('reads an access-control id that is encoded %s', (_how, id) => {
    expect(parseStreamId(id)).toMatchObject({ stream: 'studio 1+2', mode: 'publish', token: 'a/b' });
  });

  it.each([
    ['live%2Fcam1%3Ftoken%3Da%252Bb', 'cam1', 'a+b'],
    ['live%2Fstudio+1', 'studio 1', undefined],
    ['live/studio+1', 'studio+1', undefined],
    ['live/studio+1?token=a+b', 'studio+1', 'a b'],
    ['live/caf%C3%A9?token=a%2Bb', 'café', 'a+b'],
    ['#!::r=live%2Fcaf%c3%a9', 'café', undefined],
    ['#!::r=100%25', '100%', undefined],
  ])('reads %s as the stream %s', (id, stream, token) => {
    expect(parseStreamId(id)).toMatchObject({ stream, ...(token && { token }) });
  });

  it.each([
    ['twice', encoded(encoded(access))],
    ['twice, the second time as forms do', new URLSearchParams({ x: form }).toString().slice(2)],
    ['twice, and plain', 'live%252Fcam1'],
    ['twice in its name', '#!::r=live%252Fcam1'],
    ['once as a whole, and its name once more', encoded('#!::r=live%2Fcam1')],
    ['brokenly', 'live/cam%1'],
    ['with broken escapes and a query', 'live/cam%?token=abc'],
    ['as a whole, with broken escapes', '%23!::r=100%,m=publish'],
    ['in what is not text', 'live/%ff'],
    ['around another question mark', 'live/cam1%3Fx?token=abc'],
    ['around another question mark in its name', '#!::r=live/cam1%3Ftoken=abc'],
    ['into something that only begins like one', '%23!r=cam1,m=publish'],
  ])('finds no stream in an id that is encoded %s', (_how, id) => {
    expect(parseStreamId(id)).toMatchObject({ stream: undefined, path: '' });
  });

  it('finds no stream if a key has two different values, and accepts two equal ones', () => {
    expect(parseStreamId('#!::r=cam1,r=cam2').stream).toBeUndefined();
    expect(parseStreamId('#!::r=cam1,m=request,m=publish').stream).toBeUndefined();
    expect(parseStreamId('#!::r=cam1,t=abc,t=abc')).toMatchObject({ stream: 'cam1', token: 'abc' });
  });

  it('reads an id that was encoded once like the original, whatever it is', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((word) => !/[,?#%]/.test(word));
    fc.assert(
      fc.property(word, word, (stream, token) => {
        const id = `#!::r=${stream},m=publish,token=${token}`;
        expect(parseStreamId(encodeURIComponent(id))).toEqual(parseStreamId(id));
      }),
    );
  });

  it('is not confused by names of object properties', () => {
    const { params } = parseStreamId('#!::__proto__=x,r=cam1,constructor=y');
    expect(Object.keys(params)).toEqual(['__proto__', 'r', 'constructor']);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(fc.property(text, fc.boolean(), (id, access) => void parseStreamId(access ? `#!::${id}` : id)));
  });
});

describe('addresses', () => {
  const ipv4 = fc.ipV4();
  const ipv6 = fc.ipV6();

  it.each([
    ['1.2.3.4:9000', '1.2.3.4'],
    ['[::1]:9000', '::1'],
    ['[::1]', '::1'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:0102:0304', '1.2.3.4'],
    ['[::ffff:1.2.3.4]:9000', '1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['', ''],
  ])('reads %s as %s', (raw, address) => {
    expect(normaliseAddress(raw)).toBe(address);
    expect(new AddressReader(64).address(raw)).toBe(address);
  });

  it('gives every way to write an address the same spelling', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), fc.integer({ min: 0, max: 65_535 }), (ip, port) => {
        const plain = normaliseAddress(ip);
        expect(normaliseAddress(plain)).toBe(plain);
        expect(normaliseAddress(ip.toUpperCase())).toBe(plain);
        expect(normaliseAddress(ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)).toBe(plain);
        if (!ip.includes(':')) expect(normaliseAddress(`::ffff:${ip}`)).toBe(plain);
      }),
    );
  });

  it('puts two addresses into one network exactly if their first bits agree', () => {
    const bits = (ip: string): string => {
      const hex = new URL(`http://[${ip}]`).hostname.slice(1, -1);
      const [head = '', tail] = hex.split('::');
      const left = head === '' ? [] : head.split(':');
      const right = tail === undefined || tail === '' ? [] : tail.split(':');
      const middle = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0');
      return [...left, ...middle, ...right].map((group) => parseInt(group, 16).toString(2).padStart(16, '0')).join('');
    };
    fc.assert(
      fc.property(ipv6, ipv6, fc.integer({ min: 1, max: 128 }), fc.boolean(), (a, other, length, near) => {
        const [left, right] = [bits(a), near ? bits(a).slice(0, length) + bits(other).slice(length) : bits(other)];
        const b = (right.match(/.{16}/g) ?? []).map((group) => parseInt(group, 2).toString(16)).join(':');
        expect(networkOf(normaliseAddress(a), length) === networkOf(normaliseAddress(b), length)).toBe(
          // an IPv4-mapped address is an IPv4 address, and those have networks of their own
          (normaliseAddress(a).includes(':') === normaliseAddress(b).includes(':') &&
            left.slice(0, length) === right.slice(0, length)) ||
            normaliseAddress(a) === normaliseAddress(b),
        );
      }),
    );
  });

  it('reads blocks, and only blocks', () => {
    expect(parseBlock('10.0.0.0/8')).toEqual({ address: '10.0.0.0', prefixLength: 8 });
    expect(parseBlock('::ffff:10.0.0.0/104')).toEqual({ address: '10.0.0.0', prefixLength: 8 });
    for (const bad of [
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '::/129',
      'host',
      'host/8',
      '10.0.0/8',
      '',
      '/8',
      '1.2.3.4/8/8',
      '10.0.0.0/8x',
    ]) {
      expect([bad, parseBlock(bad)]).toEqual([bad, undefined]);
    }
  });

  it('never throws, and shows no more than 64 characters', () => {
    fc.assert(
      fc.property(fc.oneof(text, ipv6, ipv4), fc.string({ unit: 'binary' }), (raw, more) => {
        const reader = new AddressReader(64);
        for (const odd of [raw, raw + more, `[${raw}`, `${raw}%${more}`, raw.repeat(50)]) {
          expect(reader.address(odd).length).toBeLessThanOrEqual(64);
          reader.network(reader.address(odd));
          parseBlock(odd);
        }
      }),
    );
  });

  it('accepts a socket that no longer knows its peer', () => {
    const gone = undefined as unknown as string;
    expect(new AddressReader(64).address(gone)).toBe('');
  });
});
