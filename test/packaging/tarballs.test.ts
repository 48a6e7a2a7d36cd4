import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll, type Tarball } from './support/tarballs.js';
import { packages } from './support/packages.js';

let folder: string;
let tarballs: Tarball[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-pack-'));
  tarballs = packAll(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(packages)('the tarball of $manifest.name', ({ path, manifest }) => {
  const contents = () => tarballs.find((tarball) => tarball.name === manifest.name)?.contents ?? [];

  it('contains the build, the README, the licence and nothing else', () => {
    expect(contents()).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE']));
    const others = contents().filter(
      (file) => !/^(package\.json|README\.md|LICENSE|dist\/.+\.(js|js\.map|d\.ts))$/.test(file),
    );
    expect(others).toEqual([]);
  });

  it('has code and types for every entry point', () => {
    const doors = Object.values(manifest.exports ?? {}).flatMap((door) =>
      typeof door === 'string' ? [door] : [door.types, door.default],
    );
    const promised = [...doors, manifest.main ?? '', manifest.types ?? ''].map((file) => file.replace(/^\.\//, ''));
    expect(contents()).toEqual(expect.arrayContaining(promised));
  });

  it('has no file whose source is gone', () => {
    const built = contents().filter((file) => file.startsWith('dist/'));
    const sourceOf = (file: string) => file.replace(/^dist\//, 'src/').replace(/\.(d\.ts|js|js\.map)$/, '.ts');
    expect(built.filter((file) => !existsSync(join(path, sourceOf(file))))).toEqual([]);
    expect(built.length).toBeGreaterThan(0);
  });

  it('has source maps that contain their sources, because src/ is not included', () => {
    const maps = contents().filter((file) => file.endsWith('.map'));
    const hollow = maps.filter((file) => {
      const map = JSON.parse(readFileSync(join(path, file), 'utf8')) as {
        sources: string[];
        sourcesContent?: (string | null)[];
      };
      return !map.sources.every((_, index) => typeof map.sourcesContent?.[index] === 'string');
    });
    expect(hollow).toEqual([]);
    const mapless = contents().filter(
      (file) =>
        /sourceMappingURL=(.+)\s*$/.test(readFileSync(join(path, file), 'utf8')) && !contents().includes(`${file}.map`),
    );
    expect(mapless).toEqual([]);
  });

  it('needs no types that its users do not get', () => {
    const allowed = new Set([
      manifest.name,
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
    ]);
    const foreign = contents()
      .filter((file) => file.endsWith('.d.ts'))
      .flatMap((file) => importsOf(readFileSync(join(path, file), 'utf8')).map((name) => `${file}: ${name}`))
      .filter((line) => {
        const name = line.slice(line.indexOf(': ') + 2);
        return (
          !name.startsWith('.') &&
          !name.startsWith('node:') &&
          ![...allowed].some((known) => name === known || name.startsWith(`${known}/`))
        );
      });
    expect(foreign).toEqual([]);
  });
});

/** What a declaration file imports or refers to. */
function importsOf(text: string): string[] {
  const patterns = [/\bfrom ['"]([^'"]+)['"]/g, /\bimport\(['"]([^'"]+)['"]\)/g, /<reference types="([^"]+)"/g];
  return patterns
    .flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''))
    .filter((name) => name !== 'node');
}
