import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.js';

/** Debian has it where only root looks. */
function program(): string {
  for (const folder of [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin']) {
    try {
      accessSync(path.join(folder, 'nginx'), constants.X_OK);
      return path.join(folder, 'nginx');
    } catch {
      // look in the next folder
    }
  }
  throw new Error('nginx is not installed, and this test asks through the real one. Debian: apt-get install nginx');
}

/** A real nginx on 127.0.0.1 that passes everything on to an upstream: a port, or what stands in the block. `directives` stand in its `location`. */
export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startNginx(upstream: number | string, directives: string): Promise<Nginx> {
  const servers = typeof upstream === 'number' ? `server 127.0.0.1:${upstream};` : upstream;
  const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-nginx-'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr error;
     events {}
     http {
       access_log off;
       ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
       upstream app { ${servers} keepalive 8; }
       server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; ${directives} } }
     }`,
  );
  const child = spawn(program(), ['-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (data: Buffer) => (told += data.toString()));
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await answers(port))) {
    if (child.exitCode === null) continue;
    await stop();
    throw new Error(`nginx has ended (${child.exitCode}): ${told}`);
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => setTimeout(resolve, 20, false));
  });
}
