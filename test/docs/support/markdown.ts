import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '../../..');

/** Files that git knows, from the top of the repository. */
export function repositoryFiles(): string[] {
  const output = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return output.split('\0').filter((file) => file !== '');
}

/** The README and what is in docs/. */
export const pages = (): string[] => [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** A file of the repository, as text. */
export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** A fenced block. `info` is what stands behind the language: ```json GET /stats */
export interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  readonly info: string;
  readonly code: string;
}

const FENCE = /^```(\w*)[ \t]*(.*)\n([\s\S]*?)^```[ \t]*$/gm;

/** The fenced blocks of a file. */
export function blocksOf(file: string, language?: string): Block[] {
  const text = read(file);
  const blocks = [...text.matchAll(FENCE)].map(({ 1: lang = '', 2: info = '', 3: code = '', index }) => ({
    file,
    line: text.slice(0, index).split('\n').length,
    language: lang,
    info: info.trim(),
    code,
  }));
  return language === undefined ? blocks : blocks.filter((block) => block.language === language);
}

/** What stands under a heading, up to the next one of any level. */
export function section(file: string, heading: string): string {
  const text = read(file).replace(FENCE, '');
  const [, rest] = text.split(new RegExp(`^#+ ${heading.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`, 'm'));
  if (rest === undefined) throw new Error(`${file} has no heading "${heading}"`);
  return rest.split(/^#+ /m)[0] as string;
}

/** The rows of the table under a heading, as cells. Without the head. */
export function tableUnder(file: string, heading: string): string[][] {
  const lines = section(file, heading)
    .split('\n')
    .filter((line) => line.startsWith('|'));
  if (lines.length < 3) throw new Error(`${file} has no table under "${heading}"`);
  return lines.slice(2).map((line) => {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    return cells.map((cell) => cell.trim());
  });
}

/** The `code` in the first column of that table. */
export const namesUnder = (file: string, heading: string): string[] =>
  tableUnder(file, heading).map(([name = '']) => /^`([^`(]+)/.exec(name)?.[1] ?? name);

/** The headings of a file that are one piece of `code`, at this level. */
export function codeHeadings(file: string, level: number): string[] {
  const pattern = new RegExp(`^#{${level}} \`([^\`]+)\`$`, 'gm');
  return [...read(file).replace(FENCE, '').matchAll(pattern)].map(([, name = '']) => name);
}

/** The anchors that GitHub makes of the headings of a file. */
export function anchorsOf(file: string): Set<string> {
  const headings = [
    ...read(file)
      .replace(FENCE, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, '')
        .replace(/ /g, '-'),
    ),
  );
}
