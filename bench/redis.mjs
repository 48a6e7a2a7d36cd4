/** A Redis of our own for a benchmark, which ends with it. */
import { spawn } from 'node:child_process';
import { createClient } from 'redis';
import { freePort } from './lib.mjs';

export async function startRedis() {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => server.kill('SIGKILL'));
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
  server.stdout.resume();
  return { port, pid: server.pid, connect: () => createClient({ url: `redis://127.0.0.1:${port}` }).connect() };
}
