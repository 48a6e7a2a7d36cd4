/** A PostgreSQL of a benchmark's own, on 127.0.0.1, with its files in a temporary folder. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './lib.mjs';

/** @returns {Promise<{ url: string, stop(): Promise<void> }>} */
export async function startPostgres() {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const [latest] = versions.sort((a, b) => Number(b) - Number(a));
  const bin = latest === undefined ? '' : `/usr/lib/postgresql/${latest}/bin/`;
  const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-pg-'));
  const id = (of) => Number(execFileSync('id', [of, 'postgres'], { encoding: 'utf8' }));
  // PostgreSQL does not run as root
  const as = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : {};
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid);
  const data = path.join(folder, 'data');
  const options = { ...as, cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8' } };
  execFileSync(`${bin}initdb`, ['-D', data, '-U', 'history', '--auth=trust', '--encoding=UTF8'], {
    ...options,
    stdio: 'pipe',
  });
  const port = await freePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`];
  settings.push('shared_buffers=256MB', 'max_wal_size=2GB');
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  const child = spawn(`${bin}postgres`, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise((resolve, reject) => {
    child.once('exit', reject);
    child.stderr.on('data', (text) => String(text).includes('ready to accept connections') && resolve());
  });
  return {
    url: `postgres://history@127.0.0.1:${port}/postgres`,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGQUIT');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
