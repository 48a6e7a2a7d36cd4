import { readFileSync } from 'node:fs';
import path from 'node:path';

it('the quick start is less than 40 lines', () => {
  const source = readFileSync(path.join(__dirname, '../src/server.ts'), 'utf8');
  expect(source.trimEnd().split('\n').length).toBeLessThan(40);
});
