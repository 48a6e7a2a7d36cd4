import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { RuleTester } from 'eslint';
import { root } from './support/packages.js';
import arrows from '../../scripts/lint/arrows.cjs';

const at = (filename: string, code: string) => ({ name: `${filename}: ${code}`, filename: join(root, filename), code });
const wrong = (filename: string, code: string, messageId: string) => ({
  ...at(filename, code),
  errors: [{ messageId }],
});

const middleware = 'packages/express-middleware/src/a.ts';
const core = 'packages/core/src/tracker/a.ts';

new RuleTester().run('arrows', arrows, {
  valid: [
    at(core, `import { isIP } from 'node:net';`),
    at(core, `import { a } from '../identity/a.js';`),
    at(core, `import { a } from './b.js';`),
    at('packages/core/src/index.ts', `export { a } from './tracker/a.js';`),
    at('packages/core/src/testing/http/a.ts', `import { a } from '../../tracker/a.js';`),
    at('packages/core/test/a.test.ts', `import { a } from '../src/registry/a.js';`),
    at(middleware, `import { a } from '@stream-sessions/core';`),
    at(middleware, `export { a } from '@stream-sessions/core/spi';`),
    at(middleware, `import proxyAddr from 'proxy-addr';`),
    at('packages/geoip/test/a.test.ts', `import { a } from '@stream-sessions/core/testing';`),
    at('packages/geoip/test/a.test.ts', `import { a } from '../src/a.js';`),
    at('packages/geoip/src/testing/a.ts', `import { a } from '@stream-sessions/core/testing';`),
    at('packages/geoip/test/a.test.ts', `import { a } from '@stream-sessions/session-store/testing';`),
    at('examples/live-origin/src/a.ts', `import { a } from '@stream-sessions/session-store/redis';`),
    at('packages/express-middleware/test/a.test.ts', `import { a } from '@stream-sessions/geoip';`),
    at('packages/express-middleware/test/a.test.ts', `import express from 'express';`),
    at('examples/live-origin/src/a.ts', `import { a } from '@stream-sessions/express-middleware';`),
    at('test/players/a.test.ts', `import { a } from '../../packages/geoip/test/mmdb-writer.js';`),
  ],
  invalid: [
    wrong(core, `import express from 'express';`, 'core'),
    wrong(core, `import { a } from '@stream-sessions/geoip';`, 'sibling'),
    wrong(core, `import { a } from '@stream-sessions/core';`, 'self'),
    wrong(core, `import { isIP } from 'net';`, 'prefix'),
    wrong(core, `const a = require('proxy-addr');`, 'core'),
    wrong('packages/core/src/registry/a.ts', `import { A } from '../tracker/a.js';`, 'up'),
    wrong('packages/core/src/registry/a.ts', `export { a } from '../denials/a.js';`, 'up'),
    wrong('packages/core/src/lifecycle/a.ts', `import { a } from '../denials/a.js';`, 'up'),
    wrong('packages/core/src/tracker/a.ts', `import { a } from '../index.js';`, 'up'),
    wrong('packages/core/src/types/a.ts', `import { A } from '../wire/a.js';`, 'up'),
    wrong('packages/core/src/attic/a.ts', `import { a } from '../types/a.js';`, 'floor'),
    wrong(core, `const a = await import('maxmind');`, 'core'),
    wrong(core, `import { a } from '../../../geoip/src/a.js';`, 'outside'),
    wrong(middleware, `import { a } from '../../core/src/index.js';`, 'outside'),
    wrong(middleware, `export * from '@stream-sessions/core/dist/index.js';`, 'door'),
    wrong(middleware, `import { a } from '@stream-sessions/geoip';`, 'sibling'),
    wrong(middleware, `import { a } from '@stream-sessions/geoip/spi';`, 'door'),
    wrong(middleware, `import { a } from '@stream-sessions/core/testing';`, 'testing'),
    wrong(middleware, `import express from 'express';`, 'undeclared'),
    wrong('packages/geoip/src/a.ts', `import { a } from 'proxy-addr/index.js';`, 'undeclared'),
    wrong('packages/geoip/test/a.test.ts', `import { a } from '../../core/src/index.js';`, 'outside'),
    wrong('packages/geoip/test/a.test.ts', `import { a } from '@stream-sessions/core/src/index.js';`, 'door'),
    wrong('test/players/a.test.ts', `import { a } from '../../packages/geoip/src/index.js';`, 'outside'),
    wrong('examples/live-origin/src/a.ts', `import { a } from '../../../packages/core/src/index.js';`, 'outside'),
    wrong('examples/live-origin/src/a.ts', `import { a } from '@stream-sessions/core/testing';`, 'testing'),
    wrong(middleware, `import { a } from '@stream-sessions/session-store/testing';`, 'testing'),
    wrong('packages/geoip/src/testing/a.ts', `import { a } from '@stream-sessions/session-store/testing';`, 'testing'),
    wrong(middleware, `import { a } from '@stream-sessions/session-store/redis';`, 'sibling'),
    wrong(middleware, `import { a } from '@stream-sessions/geoip/redis';`, 'door'),
  ],
});

describe.each(readdirSync(join(root, 'packages')))('packages/%s', (name) => {
  const folder = join(root, 'packages', name, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

  it('has no circle of imports, including those of types', () => {
    const graph = new Map(files.map((file) => [file, importsOf(folder, file)]));
    expect(circles(graph)).toEqual([]);
  });

  it('has no file above 300 lines that does not say why in its first comment', () => {
    const long = files.filter((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return text.split('\n').length > 301 && !/^\/\*\*?[^]*?above 300 lines[^]*?\*\//.test(text);
    });
    expect(long).toEqual([]);
  });
});

/** The files of the same package that a file imports. */
function importsOf(folder: string, file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g)].map(([, target = '']) =>
    normalize(join(dirname(file), `${target}.ts`)),
  );
}

/** Files from which a way leads back to themselves. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  return [...graph.keys()].filter((start) => {
    const seen = new Set<string>();
    const open = [...(graph.get(start) ?? [])];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (file === start) return true;
      if (seen.has(file)) continue;
      seen.add(file);
      open.push(...(graph.get(file) ?? []));
    }
    return false;
  });
}

it('the check finds a circle', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  expect(circles(graph)).toEqual(['b', 'c']);
});
