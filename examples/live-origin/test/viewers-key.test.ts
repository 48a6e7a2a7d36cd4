import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ViewersKey } from '../src/viewers-key.js';

/** HOST is read when the module is loaded. */
function keyAt(host: string): ViewersKey {
  let key: ViewersKey | undefined;
  jest.replaceProperty(process, 'env', { ...process.env, HOST: host });
  jest.isolateModules(() => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    key = require('../src/viewers-key').viewersKey();
  });
  return key!;
}

function answerTo(key: ViewersKey, req: IncomingMessage): unknown {
  try {
    return key.options.authorize?.(req);
  } catch (error) {
    return (error as { status: unknown }).status; // the API makes its answer of it
  }
}

/** What the API sees of a request. */
function seenBy(key: ViewersKey, url: string, headers: IncomingMessage['headers'] = {}) {
  const req = { url, headers: { ...headers } } as IncomingMessage;
  key.fromQuery(req, {} as ServerResponse, () => undefined);
  return { url: req.url, answer: answerTo(key, req) };
}

it.each(['', '127.0.0.1', 'localhost', '::1'])('asks for no key on this machine alone: HOST=%s', (host) => {
  const key = keyAt(host);
  expect(key.secret).toBeUndefined();
  expect(key.options).toEqual({}); // the API's own rule holds: direct local callers only
  expect(seenBy(key, '/sessions?key=1')).toEqual({ url: '/sessions?key=1', answer: undefined });
});

describe.each(['0.0.0.0', '::', '192.168.1.20', 'example.org', '127.0.0.1.example.org'])('HOST=%s', (host) => {
  it('asks for a key, new in each run', () => {
    const [one, other] = [keyAt(host), keyAt(host)];
    expect(one.secret).toMatch(/^[\w-]{16,}$/);
    expect(one.secret).not.toBe(other.secret);
    expect(seenBy(one, '/sessions').answer).toBe(401);
    expect(seenBy(one, '/sessions', { authorization: `Bearer ${other.secret}` }).answer).toBe(401);
    expect(seenBy(one, '/sessions', { authorization: `Bearer ${one.secret}` }).answer).toBe(true);
  });

  it('takes the key out of the query, which the API would refuse', () => {
    const key = keyAt(host);
    expect(seenBy(key, `/sessions?key=${key.secret}`)).toEqual({ url: '/sessions', answer: true });
    expect(seenBy(key, `/sessions?key=${key.secret}&status=active`)).toEqual({
      url: '/sessions?status=active',
      answer: true,
    });
    expect(seenBy(key, '/sessions?key=').answer).toBe(401);
    expect(seenBy(key, '/sessions?key=wrong').answer).toBe(401);
  });
});
