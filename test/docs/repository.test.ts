import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { anchorsOf, pages, read, repositoryFiles, root } from './support/markdown.js';

const files = repositoryFiles();

describe('links in Markdown', () => {
  const markdown = [...new Set([...pages(), ...files.filter((file) => file.endsWith('.md'))])].filter((file) =>
    existsSync(join(root, file)),
  );

  it.each(markdown)('of %s lead somewhere', (file) => {
    const text = read(file).replace(/^```[\s\S]*?^```/gm, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const broken = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const file2 = path === '' ? file : normalize(join(dirname(file), path));
      if (!existsSync(join(root, file2))) return true;
      return anchor !== undefined && !anchorsOf(file2).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('of package READMEs do not leave the package, which is all that npm shows', () => {
    const leaving = markdown
      .filter((file) => /^packages\/[^/]+\/README\.md$/.test(file))
      .filter((file) => /\]\(\.\.\//.test(read(file)));
    expect(leaving).toEqual([]);
  });

  it('lead to every page in docs/ from the README', () => {
    const readme = read('README.md');
    expect(pages().filter((page) => page !== 'README.md' && !readme.includes(`(${page})`))).toEqual([]);
  });
});

describe('the repository', () => {
  /** Written in parts, or this file would name them itself. */
  const strangers: Record<string, RegExp> = {
    'a folder of somebody’s machine': new RegExp(
      `(?<![\\w.$}~-])/(?:${['work', 'root', 'home', 'Users'].join('|')})/\\w`,
    ),
    'a registry': new RegExp(['regis', 'try\\.(?:npmjs|yarnpkg|npmmirror)\\.'].join('')),
  };
  const isText = (file: string) => {
    const path = join(root, file);
    return existsSync(path) && statSync(path).isFile() && !readFileSync(path).subarray(0, 8000).includes(0);
  };

  it.each(Object.entries(strangers))('does not contain %s', (_what, pattern) => {
    const naming = files.filter(isText).flatMap((file) => {
      const line = read(file)
        .split('\n')
        .findIndex((text) => pattern.test(text));
      return line < 0 ? [] : [`${file}:${line + 1}`];
    });
    expect(naming).toEqual([]);
  });

  it('has all its files checked', () => {
    expect(files.filter(isText).length).toBeGreaterThan(100);
  });
});
