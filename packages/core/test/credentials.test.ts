import { credentialsOf } from '../src/spi.js';

const basic = (text: string) => credentialsOf(`Basic ${Buffer.from(text).toString('base64')}`);

describe('what an Authorization header offers', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer   abc.def-ghi= ', 'abc.def-ghi='],
  ])('of %j is a token', (header, token) => expect(credentialsOf(header)).toEqual({ scheme: 'bearer', token }));

  it('of Basic is a user whose password, colons and all, can only be compared', () => {
    const credentials = basic('me:pass:word');
    if (credentials?.scheme !== 'basic') throw new Error('no Basic credentials');
    expect(credentials.user).toBe('me');
    expect([credentials.verify('pass:word'), credentials.verify('pass'), credentials.verify('')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(JSON.stringify(credentials)).not.toContain('pass');
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Digest username="me"',
    'Basic',
    'BearerX a',
    'Basic bWU=',
  ])('of %j is neither a token nor a user', (header) => expect(credentialsOf(header)).toBeUndefined());

  it('of endless length is found in linear time', () => {
    const before = process.cpuUsage().user;
    for (const header of [`Bearer${' '.repeat(200_000)}`, `Bearer a${' '.repeat(200_000)}b`]) credentialsOf(header);
    expect(process.cpuUsage().user - before).toBeLessThan(1_000_000);
  });
});
