import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LineFile } from '../src/spi.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'line-file-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const at = (name = 'a'): string => path.join(folder, name);

async function linesOf(file: LineFile): Promise<string[]> {
  const lines: string[] = [];
  await file.readAll((line) => lines.push(line));
  return lines;
}

it('a line file has what was appended, readable by this user only', async () => {
  const file = await LineFile.open(at());
  const told: string[] = [];
  await file.append('one\nzwei ä\n', () => told.push(readFileSync(at(), 'utf8')));
  expect(told).toEqual(['one\nzwei ä\n']);
  expect(statSync(at()).mode & 0o077).toBe(0);
  await file.close();
  const again = await LineFile.open(at());
  const places: [number, number][] = [];
  await again.readAll((_, offset, length) => places.push([offset, length]));
  expect(await Promise.all(places.map((place) => again.read(...place)))).toEqual(['one\n', 'zwei ä\n']);
  await again.close();
});

it('a line file loses only the line that a crash cut short, and appends after a whole line', async () => {
  writeFileSync(at(), 'one\ntwo\n');
  appendFileSync(at(), 'thr');
  const file = await LineFile.open(at());
  expect(await linesOf(file)).toEqual(['one', 'two']);
  await file.append('four\n');
  await file.close();
  expect(readFileSync(at(), 'utf8')).toBe('one\ntwo\nfour\n');
});

it('a line file stays as it is if its reader throws', async () => {
  writeFileSync(at(), 'Dear diary,\ntoday');
  const file = await LineFile.open(at());
  const refusing = file.readAll(() => {
    throw new Error('not mine');
  });
  await expect(refusing).rejects.toThrow('not mine');
  await file.close();
  expect(readFileSync(at(), 'utf8')).toBe('Dear diary,\ntoday');
});

it('a line file reads lines that are longer than its buffer', async () => {
  const long = 'x'.repeat(1_000_000);
  writeFileSync(at(), `one\n${long}\nthree\n`);
  const file = await LineFile.open(at());
  expect((await linesOf(file)).map((line) => line.length)).toEqual([3, 1_000_000, 5]);
  await file.close();
});

it('a line file takes the place of another one, and can then be appended to', async () => {
  writeFileSync(at(), 'old\n');
  writeFileSync(at('a.new'), 'left by a crash\n');
  const fresh = await LineFile.open(at('a.new'), true);
  await fresh.add('new\n');
  const file = await fresh.takePlaceOf(at());
  await file.append('newer\n');
  await file.close();
  expect(readFileSync(at(), 'utf8')).toBe('new\nnewer\n');
  expect(existsSync(at('a.new'))).toBe(false);
});

it('a line file has nothing of what could not be written', async () => {
  writeFileSync(at(), 'one\n');
  const file = await LineFile.open(at());
  await file.close();
  await expect(file.append('two\n')).rejects.toThrow();
  expect(file.size).toBe(4);
  await expect(LineFile.open(at('missing/a'))).rejects.toThrow('ENOENT');
});
