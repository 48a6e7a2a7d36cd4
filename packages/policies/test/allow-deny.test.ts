import type { Candidate, TrackerView, Verdict } from '@stream-sessions/core';
import { allowDeny, type AllowDenyOptions } from '@stream-sessions/policies';
import { ask, connect, denialOf, hit, stopAll, world } from './support/make.js';

afterEach(stopAll);

const COUNTRIES: Record<string, string> = { '203.0.113.7': 'NL', '198.51.100.1': 'US' };
const geo = { country: (ip: string) => COUNTRIES[ip] };

describe('allowDeny', () => {
  it.each<[string, AllowDenyOptions, object, boolean]>([
    ['a denied country', { deny: [{ country: 'nl' }] }, {}, false],
    ['another country', { deny: [{ country: ['US', 'DE'] }] }, {}, true],
    ['an allowed country', { allow: [{ country: 'NL' }] }, {}, true],
    ['a country that is not known', { allow: [{ country: 'NL' }] }, { ip: '192.0.2.1' }, false],
    ['a denied block', { deny: [{ ip: ['10.0.0.0/8', '203.0.113.0/24'] }] }, {}, false],
    ['an address beside it', { deny: [{ ip: '203.0.112.0/24' }] }, {}, true],
    ['an IPv6 block', { deny: [{ ip: '2001:db8::/32' }] }, { ip: '2001:db8:5::1' }, false],
    ['an IPv4 address as IPv6', { deny: [{ ip: '203.0.113.7' }] }, { ip: '::ffff:203.0.113.7' }, false],
    ['an IPv4 rule as IPv6', { deny: [{ ip: '::ffff:203.0.113.7' }] }, {}, false],
    ['an IPv4 block as IPv6', { deny: [{ ip: '::ffff:203.0.113.0/120' }] }, {}, false],
    ['an IPv4 block as IPv6 beside it', { deny: [{ ip: '::ffff:203.0.112.0/120' }] }, {}, true],
    ['a rule with a zone', { deny: [{ ip: 'fe80::1%eth0' }] }, { ip: 'fe80::1%wlan0' }, false],
    ['no address at all', { allow: [{ ip: '0.0.0.0/0' }] }, { ip: 'unix:' }, false],
    ['a part of the user agent', { deny: [{ userAgent: 'PLAYER' }] }, {}, false],
    ['a pattern of the user agent', { deny: [{ userAgent: [/^curl/, /^player\/\d/g] }] }, {}, false],
    ['no user agent', { allow: [{ userAgent: 'player' }] }, { userAgent: undefined }, false],
    ['a page of the host', { allow: [{ referer: 'example.com' }] }, { referer: 'https://www.example.com/a' }, true],
    ['a host that ends alike', { allow: [{ referer: 'example.com' }] }, { referer: 'https://notexample.com/' }, false],
    ['a path that looks like it', { allow: [{ referer: 'example.com' }] }, { referer: 'https://x/example.com' }, false],
    ['no referer', { allow: [{ referer: 'example.com' }] }, {}, false],
    ['a referer that is none', { allow: [{ referer: 'example.com' }] }, { referer: '::::' }, false],
    ['a stream by pattern', { deny: [{ stream: 'news/*' }] }, { stream: 'news/at/ten' }, false],
    ['another stream', { deny: [{ stream: 'news/*' }] }, {}, true],
    ['who matches only one of two fields', { deny: [{ country: 'NL', stream: 'cam2' }] }, {}, true],
    ['who is allowed and denied', { allow: [{ country: 'NL' }], deny: [{ userAgent: 'player' }] }, {}, false],
    ['nobody, where no rule allows', { allow: [] }, {}, false],
  ])('judges %s', async (_, options, over, admitted) => {
    const { tracker } = world([allowDeny(options)], { geo });
    for (let i = 0; i < 3; i++) expect((await ask(tracker, over)).admitted).toBe(admitted);
  });

  // the same host, however a page or a rule writes it
  const spellings: [rule: string, page: string][] = [
    ['example.com', 'https://example.com./a'],
    ['example.com', 'https://www.example.com./'],
    ['example.com', 'https://EXAMPLE.com/'],
    ['example.com', 'https://example.com:8443/'],
    ['example.com', 'http://user:pass@example.com/'],
    ['example.com', 'https://ex%61mple.com/'],
    ['example.com', 'https://ｅｘａｍｐｌｅ．ｃｏｍ/'],
    ['Example.COM.', 'https://example.com/'],
    ['münchen.example', 'https://xn--mnchen-3ya.example/'],
    ['MÜNCHEN.example', 'https://www.münchen.example/'],
    ['xn--mnchen-3ya.example', 'https://münchen.example/'],
    ['localhost', 'http://localhost:8080/'],
    ['127.0.0.1', 'http://0x7f.1/'],
    ['[2001:db8::1]', 'http://[2001:DB8:0::1]:80/'],
  ];

  it.each(spellings)('knows the host %s in the page %s', async (referer, page) => {
    expect((await ask(world([allowDeny({ deny: [{ referer }] })]).tracker, { referer: page })).admitted).toBe(false);
    expect((await ask(world([allowDeny({ allow: [{ referer }] })]).tracker, { referer: page })).admitted).toBe(true);
  });

  it('knows a host with letters beyond ASCII, however often it is asked', () => {
    const policy = allowDeny({ deny: [{ referer: 'münchen.example' }] });
    const { tracker } = world([policy]);
    const page = hit({ referer: 'https://www.münchen.example/' }) as unknown as Candidate;
    const view = tracker as unknown as TrackerView;
    let letIn = 0;
    for (let i = 0; i < 30_000; i++) if ((policy.admit?.(page, view) as Verdict).allow) letIn++;
    expect(letIn).toBe(0);
  });

  it.each([
    'https://notexample.com./',
    'https://example.com.evil/',
    'https://evil/example.com',
    'https://evil#@example.com',
    'https://evil\\@example.com/',
    'https://example.com@evil/',
    'example.com',
    '//example.com/',
    '',
  ])('does not mistake the page %j for one of example.com', async (referer) => {
    const { tracker } = world([allowDeny({ allow: [{ referer: 'example.com' }] })]);
    expect((await ask(tracker, { referer })).admitted).toBe(false);
  });

  it('says which rule it was, and which part is unknown', async () => {
    const told = async (options: AllowDenyOptions, over = {}) =>
      denialOf(await ask(world([allowDeny(options)], { geo }).tracker, over)).detail;
    expect(await told({ deny: [{ country: 'DE' }, { country: 'NL', userAgent: 'player' }] })).toBe(
      'deny[1] names it by country and userAgent',
    );
    expect(await told({ allow: [{ ip: '10.0.0.0/8' }] })).toBe('no rule of allow names it');
    expect(await told({ allow: [{ country: 'DE' }] })).toBe('no rule of allow names it; its country is NL');
    expect(await told({ allow: [{ country: 'NL' }] }, { ip: '192.0.2.1' })).toBe(
      'no rule of allow names it; its country is not known',
    );
  });

  it('remembers no refusal: the next page may be an allowed one', async () => {
    const { tracker } = world([allowDeny({ allow: [{ referer: 'example.com' }] })]);
    expect(denialOf(await ask(tracker, {}))).toMatchObject({ reason: 'denied', kind: 'forbidden' });
    expect(tracker.denials()).toEqual([]);
    expect((await ask(tracker, { referer: 'https://example.com/' })).admitted).toBe(true);
  });

  it('applies to the configured kinds', async () => {
    const { tracker } = world([allowDeny({ deny: [{ country: 'NL' }], kinds: ['input'] })], { geo });
    expect((await ask(tracker)).admitted).toBe(true);
    expect((await connect(tracker, { kind: 'input' })).admitted).toBe(false);
  });

  it.each<[object]>([
    [{}],
    [{ allow: 'all' }],
    [{ deny: [{}] }],
    [{ deny: [{ contry: 'NL' }] }],
    [{ deny: [{ country: [] }] }],
    [{ deny: [{ country: 'Netherlands' }] }],
    [{ deny: [{ referer: 'https://example.com/' }] }],
    [{ deny: [{ referer: 'example.com:8080' }] }],
    [{ deny: [{ referer: 'example.com/' }] }],
    [{ deny: [{ referer: '*.example.com' }] }],
    [{ deny: [{ referer: '.example.com' }] }],
    [{ deny: [{ referer: 'me@example.com' }] }],
    [{ deny: [{ referer: 'exam ple.com' }] }],
    [{ deny: [{ referer: '.' }] }],
    [{ deny: [{ ip: '::ffff:10.0.0.0/8' }] }],
    [{ deny: [{ country: 'NL' }], kinds: [] }],
    [{ deny: [{ ip: '10.0.0.0/33' }] }],
    [{ deny: [{ ip: 'localhost' }] }],
    [{ deny: [{ userAgent: 5 }] }],
    [{ allow: [], kinds: ['guest'] }],
    [{ alow: [] }],
  ])('refuses %j', (options) => {
    expect(() => allowDeny(options as AllowDenyOptions)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  });

  it('cuts sessions that match a new rule when policies decide again, and no others', async () => {
    const { tracker } = world([allowDeny({ deny: [{ country: 'DE' }] })], { geo });
    await ask(tracker, {});
    await ask(tracker, { ip: '198.51.100.1' });
    tracker.updateConfig({ policies: [allowDeny({ deny: [{ country: 'US' }] })] });
    expect(await tracker.invalidate()).toEqual({ asked: 2, kept: 1, closed: 1, denialsLifted: 0 });
    expect(tracker.list({ status: 'active' })).toMatchObject([{ country: 'NL' }]);
    expect(tracker.list({ status: 'closed' })).toMatchObject([{ country: 'US', closeReason: 'denied' }]);
  });
});
