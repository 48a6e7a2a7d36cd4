import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mmdb } from '../../packages/geoip/test/mmdb-writer.js';
import { command } from './support/command.js';
import { readJson, root } from './support/packages.js';
import { packAll, type Tarball } from './support/tarballs.js';

/** What an installed user's program must have seen. The first four come from a real request to a real Express. */
const SEEN = {
  status: 200,
  listed: 1,
  stream: 'cam1',
  bytes: '#EXTM3U\n'.length,
  country: 'US',
  refusal: 'ERR_BAD_OPTION',
  clock: 42,
  spi: true,
};

let folder: string;
let tarballs: Tarball[];
beforeAll(() => {
  // outside the repository, where nothing can be found by accident
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-consumers-'));
  tarballs = packAll(join(folder, 'tarballs'));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The versions that this repository is tested with. */
const pinned = (...names: string[]) =>
  names.map((name) => `${name}@${readJson(root, 'node_modules', name, 'package.json').version}`);

function install(consumer: string, ...others: string[]): string {
  const project = join(folder, consumer);
  cpSync(join(__dirname, 'consumers', consumer), project, { recursive: true });
  writeFileSync(
    join(project, 'GeoLite2-Country.mmdb'),
    mmdb({ type: 'GeoLite2-Country', networks: { '8.8.8.0/24': { country: { iso_code: 'US' } } } }),
  );
  const files = tarballs.map(({ file }) => file);
  command(
    project,
    'npm',
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...files,
    ...others,
  );
  return project;
}

describe('a TypeScript project with ES modules', () => {
  let project: string;
  beforeAll(() => {
    project = install('typescript-esm', ...pinned('express', '@types/express', '@types/node', 'typescript'));
  }, 120_000);

  it('compiles under strict options, with the declarations of the packages checked too', () => {
    command(project, process.execPath, 'node_modules/typescript/bin/tsc');
  }, 60_000);

  it('runs', () => {
    expect(JSON.parse(command(project, process.execPath, 'dist/index.js'))).toEqual(SEEN);
  });

  it('is told of a misspelt option by the compiler', () => {
    const source = `import { createTracker } from '@stream-sessions/core';\ncreateTracker({ idleTimeout: 1 });\n`;
    writeFileSync(join(project, 'src/misspelt.ts'), source);
    expect(() => command(project, process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit')).toThrow(
      /idleTimeoutMs/,
    );
    rmSync(join(project, 'src/misspelt.ts'));
  }, 60_000);
});

describe('a CommonJS project', () => {
  let project: string;
  beforeAll(() => {
    project = install('commonjs', ...pinned('express'));
  }, 120_000);

  it('runs, and gets the same code by import as by require', () => {
    expect(JSON.parse(command(project, process.execPath, 'index.js'))).toEqual({ ...SEEN, same: true });
  });

  it('gets nothing but the declared dependencies', () => {
    const names = Object.keys(
      readJson<{ packages: Record<string, unknown> }>(project, 'node_modules/.package-lock.json').packages,
    );
    expect(names.filter((name) => /node_modules\/(jest|typescript|@types)\b/.test(name))).toEqual([]);
  });

  it('runs the example of the geoip README, which ends by itself', () => {
    const readme = readFileSync(join(root, 'packages/geoip/README.md'), 'utf8');
    const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    writeFileSync(join(project, 'readme.js'), example);
    expect(command(project, process.execPath, 'readme.js')).toBe('US\n');
  });
});
