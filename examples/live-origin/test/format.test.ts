import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const source = readFileSync(join(__dirname, '../public/format.js'), 'utf8');

/** What the page makes of these User-Agents, and how long it took in milliseconds: it is a module for browsers. */
function agents(texts: readonly string[]): { names: string[]; ms: number } {
  const program = `
    ${source}
    const texts = ${JSON.stringify(texts)}.map((text) => text.replace(/^(.*) x(\\d+)$/s, (_, atom, n) => atom.repeat(n)));
    const { user } = process.cpuUsage();
    const names = texts.map((text) => agent(text).slice(0, 60));
    console.log(JSON.stringify({ names, ms: (process.cpuUsage().user - user) / 1000 }));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return JSON.parse(output) as { names: string[]; ms: number };
}

it('the page names players by their User-Agent', () => {
  const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)';
  const iPhone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
  const texts = {
    [`${mac} Version/17.1.2 Safari/605.1.15`]: 'Safari 17 on macOS',
    [`${iPhone} Version/17.0 Mobile/15E148 Safari/604.1`]: 'Safari 17 on iOS',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0': 'Edge 126 on Windows',
    'Lavf/59.27.100': 'FFmpeg, Lavf 59',
    'AppleCoreMedia/1.0.0.21A329 (iPhone; U; CPU OS 17_0 like Mac OS X)': 'Apple player 1.0.0.21 on iOS',
  };
  expect(agents(Object.keys(texts)).names).toEqual(Object.values(texts));
});

it('naming a player takes linear time for a User-Agent of 64 KB', () => {
  const atoms = [
    'Version/1',
    'Version/1.',
    'Version/1 Mobile/',
    'Windows ',
    'Windows NT 10.0 Chrome/',
    'Chromium',
    'X11',
    '1',
    ' ',
  ];
  expect(agents(atoms.map((atom) => `${atom} x${Math.ceil(65_536 / atom.length)}`)).ms).toBeLessThan(100);
});
