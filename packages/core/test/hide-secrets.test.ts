import fc from 'fast-check';
import { expectLinearTime } from '../../../test/support/linear-time.js';
import { hideSecrets } from '../src/identity/hide-secrets.js';
import { withoutUserinfo } from '../src/identity/userinfo.js';

const SECRET = 'the-token';
const hide = (text: string): string => hideSecrets(text, { values: [SECRET], instead: () => 'XXXX' });

describe('a query or URL that is shown', () => {
  it.each([
    ['token=abc', 'token=XXXX'],
    ['a=1&tkn=abc&b=2', 'a=1&tkn=XXXX&b=2'],
    ['TOKEN=abc', 'TOKEN=XXXX'],
    ['%74oken=abc', '%74oken=XXXX'],
    ['%2574oken=abc', '%2574oken=XXXX'],
    ['+token=abc', '+token=XXXX'],
    ['token[]=abc&token%5B0%5D=def', 'token[]=XXXX&token%5B0%5D=XXXX'],
    ['token=abc&token=def', 'token=XXXX&token=XXXX'],
    ['token=%zzabc%E0', 'token=XXXX'],
    ['amp;token=abc', 'amp;token=XXXX'],
    ['access_token=abc&password=def&sig=ghi', 'access_token=XXXX&password=XXXX&sig=XXXX'],
    ['srt://h:9000?mode=caller&passphrase=abc', 'srt://h:9000?mode=caller&passphrase=XXXX'],
    ['https://h/?X-Goog-Signature=abc', 'https://h/?X-Goog-Signature=XXXX'],
    ['sig2=the-token', 'sig2=XXXX'],
    ['https://h/p?token=abc#token=def', 'https://h/p?token=XXXX#token=XXXX'],
    ['next=/watch?token=abc', 'next=XXXX'],
    ['next=%2Fwatch%3Ftoken%3Dabc', 'next=XXXX'],
    ['https://h/login?next=/watch?the-token', 'https://h/login?next=XXXX'],
    ['next=%252Fwatch%253Ftoken%253Dabc', 'next=XXXX'],
    ['next=%25252Fwatch%25253Ftoken%25253Dabc', 'next=XXXX'],
    ['CMCD=nor%3D%22seg2.ts%253Ftoken%253Dabc%22%2Csid%3D%22s%22', 'CMCD=XXXX'],
    ['state=%7B%22token%22%3A%22abc%22%7D', 'state=XXXX'],
    ['back=https%3A%2F%2Fme%3Apw%40h%2F', 'back=XXXX'],
    ['src=rtsp://me:pw@h/cam', 'src=rtsp://h/cam'],
    ['the-token', 'XXXX'],
    ['https://h/watch/the-token', 'https://h/watch/XXXX'],
    ['https://h/%74he-token/x', 'https://h/XXXX/x'],
    ['https://h/%2574he%252Dtoken/x', 'https://h/XXXX/x'],
    ['https://h/the-token/?a=b&the-token', 'https://h/XXXX/?a=b&XXXX'],
    ['https://me:pw@h/', 'https://h/'],
    ['https://me:p\tw@h/', 'https://h/'],
    ['rtsp://me:p/w@h/', 'rtsp://hidden/h/'],
    ['a=b&mytoken=1&tokens=2&bypass=3', 'a=b&mytoken=1&tokens=2&bypass=3'],
    ['q=compass:north&t=10:30', 'q=compass:north&t=10:30'],
    ['token=', 'token='],
    ['', ''],
  ])('%j is shown as %j', (text, shown) => expect(hide(text)).toBe(shown));

  it('lacks the values of the named parameters, in any case', () => {
    const parameters = ['auth', 'k.y'];
    const shown = (text: string): string => hideSecrets(text, { parameters });
    expect(shown('auth=a&auth=%zz&b=1')).toBe('auth=hidden&auth=hidden&b=1');
    expect(shown('https://h/?AUTH=a&k.y=b&kzy=c&next=%3Fauth%3Da')).toBe(
      'https://h/?AUTH=hidden&k.y=hidden&kzy=c&next=hidden',
    );
    expect(hideSecrets('auth=a')).toBe('auth=a');
  });

  it('hides a short secret only where it has a name or is a whole value', () => {
    expect(hideSecrets('a=abc&token=abc&b=xabc', { values: ['abc', undefined, ''] })).toBe(
      'a=hidden&token=hidden&b=xabc',
    );
  });

  it('takes the replacement of an escaped secret literally: $& is not a pattern', () => {
    const instead = (): string => '$&';
    expect(hideSecrets('https://h/a%2Fb%3Dc%20d%24%26/x', { values: ['a/b=c d$&'], instead })).toBe('https://h/$&/x');
    expect(hideSecrets('https://h/\ud800\ud800/%ed%a0%80', { values: ['\ud800'.repeat(9)] })).toContain('https://h/');
  });

  it('never shows the secret, however it is escaped and wherever it appears', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    const escape = (secret: string, mask: number): string =>
      [...secret]
        .map((letter, i) => ((mask >> (i % 30)) & 1 ? `%${letter.charCodeAt(0).toString(16)}` : letter))
        .join('');
    fc.assert(
      fc.property(
        text,
        fc.stringMatching(/^[A-Za-z0-9_.-]{8,40}$/),
        text,
        fc.nat(),
        fc.constantFrom('token', 'own', 'x'),
        (before, secret, after, mask, name) => {
          const options = { parameters: ['own'], values: [secret], instead: () => 'X' };
          const once = escape(secret, mask);
          const twice = encodeURIComponent(once);
          for (const spelt of [secret, once, twice]) {
            for (const whole of [`${before}&${name}=${spelt}&${after}`, `https://h/${spelt}/?${after}`, spelt]) {
              let shown = hideSecrets(whole, options);
              for (let i = 0; i < 4; i++) {
                expect(shown).not.toContain(secret);
                shown = shown.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
              }
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is only the beginning of a long one, and never ends with half a secret', () => {
    const secret = 'S'.repeat(4_096);
    for (let before = 12_000; before < 16_500; before += 97) {
      const text = `token=${'t'.repeat(before)}&x/${secret}`;
      expect(hideSecrets(text, { values: [secret] })).not.toMatch(/S{8}/);
    }
    expect(hideSecrets('x'.repeat(1e6))).toHaveLength(4_096);
  });

  it.each(['&', '//a:', '=', '%25', 'token', ' token', 'token[', '[]=', '/%41'])(
    'takes linear time, whatever strangers send: %p',
    (part) => {
      const read = (text: string) => hideSecrets(text, { values: [SECRET, 'A'.repeat(4_096)] });
      for (const [start, end] of [
        ['', ''],
        ['a=', ''],
        ['', '?@'],
      ] as const) {
        expectLinearTime(read, (length) => start + part.repeat(length / part.length) + end, 16_000);
      }
    },
  );
});

describe('a URL without its userinfo', () => {
  it.each([
    ['rtsp://me:pw@cam/stream', 'rtsp://cam/stream'],
    ['rtsp://me@cam:554/stream', 'rtsp://cam:554/stream'],
    ['rtsp://me:p@w@cam/stream', 'rtsp://cam/stream'],
    ['rtsp://me:p/w@cam/stream', 'rtsp://cam/stream'],
    ['http:\\\\me:pw@h\\x', 'http:\\\\h\\x'],
    ['https://h:8080/@me/x', 'https://h:8080/@me/x'],
    ['https://[::1]:80/@me', 'https://[::1]:80/@me'],
    ['https://h/a?mail=me@x', 'https://h/a?mail=me@x'],
    ['/live/cam@group.m3u8', '/live/cam@group.m3u8'],
    ['https://me:pw@h/?next=https://you:pw@g/', 'https://h/?next=https://g/'],
    ['', ''],
  ])('%j is %j', (url, plain) => expect(withoutUserinfo(url)).toBe(plain));
});
