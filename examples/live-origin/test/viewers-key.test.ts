import { viewersKey } from '../src/viewers-key.js';

const ORIGIN = 'http://127.0.0.1:8080';

function keyWith(KEY: string | undefined) {
  jest.replaceProperty(process, 'env', { ...process.env, KEY });
  return viewersKey();
}

it.each([undefined, ''])('the address to click contains the key that the API has made: KEY=%s', (env) => {
  const key = keyWith(env);
  expect(key.options.key).toBeUndefined();
  key.options.announce!({ key: 'made-for-this-run', file: '/tmp/k' });
  expect(key.pageOf(ORIGIN)).toBe(`${ORIGIN}/?key=made-for-this-run`);
  expect(key.scriptFor(ORIGIN)).toBe(`curl -H @/tmp/k ${ORIGIN}/api/sessions`);
});

it('the output says why there is no key file for scripts', () => {
  const key = keyWith(undefined);
  key.options.announce!({ key: 'made-for-this-run', problem: 'The disk is full.' });
  expect(key.scriptFor(ORIGIN)).toContain('The disk is full.');
});

it('a key from the environment is used, and never shown', () => {
  const secret = 'one-that-outlasts-a-restart';
  const key = keyWith(secret);
  expect(key.options.key).toBe(secret);
  key.options.announce!({ key: secret });
  expect(key.pageOf(ORIGIN) + key.scriptFor(ORIGIN)).not.toContain(secret);
  expect(key.scriptFor(ORIGIN)).toContain('Bearer $KEY');
});

it.each(['short', 'sixteen letters and blanks', 'ünïcode-of-enough-letters'])(
  'the example ends at once with KEY=%s',
  (env) => {
    const exit = jest.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('ended');
    });
    const said = jest.spyOn(console, 'error').mockReturnValue();
    expect(() => keyWith(env)).toThrow('ended');
    expect(exit).toHaveBeenCalledWith(1);
    expect(String(said.mock.calls)).toMatch(/^KEY has to be 16 characters/);
    expect(String(said.mock.calls)).not.toContain(env);
  },
);
