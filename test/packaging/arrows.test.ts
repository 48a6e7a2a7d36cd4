import { join } from 'node:path';
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
    at(middleware, `import { a } from '@stream-sessions/core';`),
    at(middleware, `export { a } from '@stream-sessions/core/spi';`),
    at(middleware, `import proxyAddr from 'proxy-addr';`),
    at('packages/geoip/test/a.test.ts', `import { a } from '@stream-sessions/core/testing';`),
    at('packages/geoip/test/a.test.ts', `import { a } from '../src/a.js';`),
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
  ],
});
