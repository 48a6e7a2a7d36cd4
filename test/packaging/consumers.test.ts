import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mmdb } from '../../packages/geoip/test/mmdb-writer.js';
import { command, plainEnvironment } from './support/command.js';
import { packages, readJson, root } from './support/packages.js';
import { packAll, type Tarball } from './support/tarballs.js';
import { pace } from '../support/until.js';
import { freePort } from '../support/free-port.js';

/** What an installed user's program must have seen. The first four come from a real request to a real Express. */
const SEEN = {
  status: 200,
  listed: 1,
  stream: 'cam1',
  bytes: '#EXTM3U\n'.length,
  country: 'US',
  refusal: 'ERR_BAD_OPTION',
  clock: 42,
  spi: true,
};

/** What can be imported: `@stream-sessions/core`, `@stream-sessions/core/spi` … */
const doors = packages.flatMap(({ manifest: { name, exports = {} } }) =>
  Object.keys(exports).flatMap((door) => (door === './package.json' ? [] : [`${name}${door.slice(1)}`])),
);

let folder: string;
let tarballs: Tarball[];
beforeAll(() => {
  // outside the repository, where nothing can be found by accident
  folder = mkdtempSync(join(tmpdir(), 'stream-sessions-consumers-'));
  tarballs = packAll(join(folder, 'tarballs'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The versions that this repository is tested with. */
const pinned = (...names: string[]) =>
  names.map((name) => `${name}@${readJson(root, 'node_modules', name, 'package.json').version}`);

function install(consumer: string, ...others: string[]): string {
  const project = join(folder, consumer);
  cpSync(join(__dirname, 'consumers', consumer), project, { recursive: true });
  writeFileSync(
    join(project, 'GeoLite2-Country.mmdb'),
    mmdb({ type: 'GeoLite2-Country', networks: { '8.8.8.0/24': { country: { iso_code: 'US' } } } }),
  );
  const files = tarballs.map(({ file }) => file);
  command(
    project,
    'npm',
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...files,
    ...others,
  );
  return project;
}

describe('a TypeScript project with ES modules', () => {
  let project: string;
  beforeAll(() => {
    project = install('typescript-esm', ...pinned('express', '@types/express', '@types/node', 'typescript'));
  }, 120_000);

  it('compiles under strict options, with the declarations of the packages checked too', () => {
    command(project, process.execPath, 'node_modules/typescript/bin/tsc');
  });

  it('runs', () => {
    expect(JSON.parse(command(project, process.execPath, 'dist/index.js'))).toEqual(SEEN);
  });

  it('gets a compiler error for a misspelt option', () => {
    const source = `import { createTracker } from '@stream-sessions/core';\ncreateTracker({ idleTimeout: 1 });\n`;
    writeFileSync(join(project, 'src/misspelt.ts'), source);
    expect(() => command(project, process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit')).toThrow(
      /idleTimeoutMs/,
    );
    rmSync(join(project, 'src/misspelt.ts'));
  });
});

describe('a TypeScript project that resolves modules as Node 10 did, without `exports`', () => {
  let project: string;
  beforeAll(() => {
    project = install('typescript-node10', ...pinned('@types/node', 'typescript'));
    const types = doors.map((door, n) => `export type * as door${n} from '${door}';\n`);
    writeFileSync(join(project, 'src/doors.ts'), types.join(''));
  }, 120_000);

  it('compiles with every door of every package, and with their declarations checked', () => {
    command(project, process.execPath, 'node_modules/typescript/bin/tsc');
  });

  it('runs', () => {
    expect(JSON.parse(command(project, process.execPath, 'dist/index.js'))).toEqual({ clock: 42, spi: '8.8.8.8' });
  });
});

describe('a CommonJS project', () => {
  let project: string;
  beforeAll(() => {
    project = install('commonjs', ...pinned('express'));
  }, 120_000);

  it('runs, and gets the same code by import as by require', () => {
    expect(JSON.parse(command(project, process.execPath, 'index.js'))).toEqual({ ...SEEN, same: true });
  });

  it('gets nothing but the declared dependencies', () => {
    const names = Object.keys(
      readJson<{ packages: Record<string, unknown> }>(project, 'node_modules/.package-lock.json').packages,
    );
    expect(names.filter((name) => /node_modules\/(jest|typescript|@types)\b/.test(name))).toEqual([]);
  });

  /** The first example of a README, as a file of this project. */
  function example(name: string): string {
    const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8');
    const file = `${name}.js`;
    writeFileSync(join(project, file), /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? 'no example');
    return file;
  }

  it('runs the example of the core README, which ends by itself', () => {
    const output = command(project, process.execPath, example('core'));
    expect(output.split('\n')).toEqual(['1 1500', 'cam1 closed: kicked', 'null', '']);
  });

  it('runs the example of the geoip README, which ends by itself', () => {
    expect(command(project, process.execPath, example('geoip'))).toBe('US\n');
  });

  it('runs the example of the metrics README, which ends by itself', () => {
    const line = 'stream_sessions_active{stream="cam1",protocol="hls",kind="viewer"} 1\n';
    expect(command(project, process.execPath, example('metrics'))).toBe(line);
  });

  it('runs the example of the webhooks README, which ends by itself', () => {
    const output = command(project, process.execPath, example('webhooks'));
    expect(output.split('\n')).toEqual(['session.opened cam1 ', 'session.closed cam1 client_gone', '']);
  });

  it('runs the example of the policies README, which ends by itself', () => {
    expect(command(project, process.execPath, example('policies'))).toBe('true false\n');
  });

  it('runs the example of the session-store README, which ends by itself', () => {
    expect(command(project, process.execPath, example('session-store'))).toBe('true\neve 1\nERR_SESSION_EXISTS\n');
  });

  it('is told which Redis clients there are when none is installed', () => {
    const program = `const { connectRedis } = require('@stream-sessions/session-store/redis');
      connectRedis({ addr: '127.0.0.1:1', keyPrefix: 'x:' }).catch(({ code, message }) => console.log(code, message));`;
    writeFileSync(join(project, 'redis.js'), program);
    expect(command(project, process.execPath, 'redis.js')).toMatch(/^ERR_REDIS_CLIENT_MISSING .*redis and ioredis/);
  });

  it.each([
    [
      'jwt.js',
      `const { createTracker } = require('@stream-sessions/core'), { jwtPolicy } = require('@stream-sessions/policies');`,
    ],
    [
      'jwt.mjs',
      `import { createTracker } from '@stream-sessions/core'; import { jwtPolicy } from '@stream-sessions/policies';`,
    ],
  ])('verifies a JSON Web Token in %s, although jose is an ES module', (file, imports) => {
    const program = `${imports}
      const secret = 'a secret of at least thirty-two bytes';
      const token = '${hs256({ sub: 'bob' }, 'a secret of at least thirty-two bytes')}';
      const tracker = createTracker({ policies: [jwtPolicy({ secret })] });
      const ask = (token) => tracker.admit({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7', token });
      Promise.all([ask(token), ask(token + 'x')]).then(([yes, no]) => {
        console.log(yes.handle.session.userId, no.denial.reason);
        return tracker.stop();
      });`;
    writeFileSync(join(project, file), program);
    expect(command(project, process.execPath, file)).toBe('bob unauthorized\n');
  });

  it('runs the example of the SRT README, over the system library, until Ctrl-C', async () => {
    const server = spawn(process.execPath, [example('srt-adapter')], {
      cwd: project,
      env: { ...plainEnvironment(), PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(server.stdout, 'data')) as [Buffer];
    expect(said.toString()).toMatch(/^srt:\/\/127\.0\.0\.1:\d+\?streamid=live\/cam1\n$/);
    server.kill('SIGINT');
    expect(await once(server, 'exit')).toEqual([0, null]);
  });

  it('runs the example of the middleware README', async () => {
    mkdirSync(join(project, 'media/cam1'), { recursive: true });
    writeFileSync(join(project, 'media/cam1/index.m3u8'), '#EXTM3U\n');
    const port = await freePort();
    const server = spawn(process.execPath, [example('express-middleware')], {
      cwd: project,
      env: { ...plainEnvironment(), PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    try {
      const playlist = await answer(`http://127.0.0.1:${port}/live/cam1/index.m3u8`);
      expect(playlist.status).toBe(200);
      await playlist.text();
      const [name = '', value = ''] = readFileSync(join(project, '.stream-sessions-key'), 'utf8').trim().split(': ');
      const list = await fetch(`http://127.0.0.1:${port}/api/sessions`, { headers: { [name]: value } });
      const { sessions } = (await list.json()) as { sessions: unknown[] };
      expect(sessions).toEqual([expect.objectContaining({ stream_code: 'cam1', proto: 'hls', bytes: 8 })]);
    } finally {
      server.kill('SIGKILL');
    }
  });

  it('runs the example of the RTSP README', async () => {
    const port = await freePort();
    const server = spawn(process.execPath, [example('rtsp-adapter')], {
      cwd: project,
      env: { ...plainEnvironment(), PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    try {
      const socket = await connection(port);
      socket.write('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^RTSP\/1\.0 200 OK\r\n/);
      socket.destroy();
    } finally {
      server.kill('SIGKILL');
    }
  });
});

function hs256(claims: object, secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Asks until somebody listens. */
async function answer(url: string): Promise<Response> {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(url);
    } catch (error) {
      if (tries > 200) throw error;
      await pace(25);
    }
  }
}

/** Connects as soon as somebody listens. */
async function connection(port: number): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (tries > 200) throw error;
      await pace(25);
    }
  }
}
