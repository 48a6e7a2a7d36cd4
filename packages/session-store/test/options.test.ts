import { createManager, localStorage } from '../src/index.js';

const { load } = localStorage();

it.each<[string, () => unknown]>([
  ['clock', () => createManager({ clock: {} as never })],
  ['clock', () => localStorage({ clock: Date as never })],
  ['storage', () => createManager({ storage: { load } as never })],
])('a %s that lacks functions is refused', (name, make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }));
  expect(make).toThrow(`${name} must be `);
});
