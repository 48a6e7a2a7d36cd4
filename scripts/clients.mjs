/**
 * `npm run clients [words of a test's name]`: every client that Debian has against every server of the kit, and the table of it as
 * Markdown. Takes nine minutes; `npm run clients -- mpv plays` runs a part. With `--write` the table goes into docs/clients.md.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import prettier from 'prettier';
import { fail, root, runSync, say, tool } from './lib/run.mjs';
import { setup } from './setup.mjs';

const words = process.argv.slice(2).filter((word) => word !== '--write');
const writes = process.argv.includes('--write');
if (writes && words.length > 0) fail('--write needs the whole table: leave the other words out.');
const missing = setup('clients');
const results = path.join(root, 'node_modules/.cache/stream-sessions/clients.json');
const page = path.join(root, 'docs/clients.md');
const [BEGIN, END] = ['<!-- npm run clients -- --write -->', '<!-- end -->'];

rmSync(results, { force: true });
const chosen = words.length > 0 ? ['-t', words.join(' ')] : [];
const args = [tool('jest/bin/jest.js'), '--selectProjects', 'clients', '--runInBand', '--verbose', ...chosen];
process.exitCode = runSync(process.execPath, args, { env: { ...process.env, CLIENTS: '1' } });
if (!existsSync(results)) process.exit(1); // Jest has said why

const seconds = (ms) => (ms < 100 ? 'at once' : `${(ms / 1000).toFixed(1)} s`);
const percent = (share) => `${(100 * share).toFixed(2)} %`;
const cells = ({ client, version, does, way, off, kickMs, exit, kill, killMs, isRight }) => [
  `${client} ${version}`,
  does,
  way,
  off === undefined ? '–' : percent(off),
  kickMs === undefined ? '–' : seconds(kickMs),
  exit ?? '–',
  kill === undefined ? '–' : `${kill}, ${seconds(killMs)}`,
  isRight ? 'yes' : '**no**',
];
const head = ['client', 'does', 'over', 'bytes', 'kicked', 'ends', 'killed', 'all right'];
const rows = JSON.parse(readFileSync(results, 'utf8')).map(cells);
const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const config = await prettier.resolveConfig(page);
const table = await prettier.format(lines, { ...config, parser: 'markdown' });
console.log(`\n${table}`);
if (missing.length > 0) say(`Without ${missing.join(', ')}: not installed.`);

if (writes) {
  const text = readFileSync(page, 'utf8');
  const [before, after] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  writeFileSync(page, `${text.slice(0, before)}\n\n${table}\n${text.slice(after)}`);
}
