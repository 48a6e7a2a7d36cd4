import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages, readJson, root } from './support/packages.js';

const core = packages.find(({ folder }) => folder === 'core');
const { version } = readJson(root, 'lerna.json');

describe.each(packages)('packages/$folder/package.json', ({ folder, path, manifest }) => {
  it('is named after its folder and has the common version', () => {
    expect(manifest.name).toBe(`@stream-sessions/${folder}`);
    expect(manifest.version).toBe(version);
  });

  it('has the same licence, Node versions, publishing settings and files as every other package', () => {
    const common = ['license', 'author', 'type', 'engines', 'publishConfig', 'files', 'sideEffects', 'main', 'types'];
    const pick = (from: Record<string, unknown>) => Object.fromEntries(common.map((field) => [field, from[field]]));
    expect(pick(manifest)).toEqual(pick(core?.manifest ?? {}));
    expect(manifest).toMatchObject({ license: 'MIT', engines: { node: '>=20' }, publishConfig: { access: 'public' } });
    expect(manifest.private).toBeUndefined();
    expect(manifest.description).toMatch(/^[A-Z].{20,}[^.]$/);
  });

  it('has types before code for every entry point', () => {
    for (const [door, target] of Object.entries(manifest.exports ?? {})) {
      if (door === './package.json') continue;
      expect(Object.keys(target)).toEqual(['types', 'default']);
    }
    expect(Object.keys(manifest.exports ?? {})).toEqual(expect.arrayContaining(['.', './package.json']));
  });

  it('names its doors a second time, for TypeScript that does not read `exports`', () => {
    const doors = Object.entries(manifest.exports ?? {}).filter(([door]) => door !== '.' && door !== './package.json');
    const types = doors.map(([door, target]) => [door.slice(2), [(target as { types: string }).types]]);
    expect(manifest.typesVersions).toEqual(types.length === 0 ? undefined : { '*': Object.fromEntries(types) });
  });

  it('depends on core in the same version, and on no other package of the family', () => {
    const family = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(([name]) =>
      name.startsWith('@stream-sessions/'),
    );
    expect(family).toEqual(folder === 'core' ? [] : [['@stream-sessions/core', version]]);
  });

  it('runs no script when it is installed', () => {
    expect(manifest.scripts ?? {}).not.toHaveProperty(['install']);
    expect(manifest.scripts ?? {}).not.toHaveProperty(['postinstall']);
  });

  it('comes with the licence and a README', () => {
    expect(readFileSync(join(path, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
    expect(existsSync(join(path, 'README.md'))).toBe(true);
  });

  it('is built by the references of the top tsconfig.json', () => {
    expect(readFileSync(join(root, 'tsconfig.json'), 'utf8')).toContain(`"packages/${folder}"`);
  });
});

it('core depends on nothing', () => {
  const { dependencies, peerDependencies, optionalDependencies } = readJson(root, 'packages/core/package.json');
  expect({ ...dependencies, ...peerDependencies, ...(optionalDependencies as object) }).toEqual({});
});

it('the lock file names no registry', () => {
  const { packages: entries } = readJson<{ packages: Record<string, { resolved?: string }> }>(
    root,
    'package-lock.json',
  );
  const hosts = Object.values(entries).filter(({ resolved }) => resolved?.includes('://'));
  expect(hosts).toEqual([]);
  expect(Object.keys(entries).length).toBeGreaterThan(100);
});

it('the lock file has the builds for every platform, which `npm ci` asks for (see scripts/complete-lock.mjs)', () => {
  type Entry = { optionalDependencies?: Record<string, string> };
  const { packages: entries } = readJson<{ packages: Record<string, Entry> }>(root, 'package-lock.json');
  const absent = Object.entries(entries).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`${place}/node_modules/${name}` in entries) && !(`node_modules/${name}` in entries),
    ),
  );
  expect(absent).toEqual([]);
});
