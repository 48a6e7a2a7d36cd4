import { spawnSync } from 'node:child_process';

/** The environment of a person's shell: without what `npm test` tells the programs that it runs. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => {
    const isNpmTalk =
      /^(npm_(?!config_)|npm_config_(local_prefix|workspace)|INIT_CWD$|JEST_|NODE_ENV$|NODE_OPTIONS$)/i.test(name);
    return !isNpmTalk;
  });
  return Object.fromEntries(entries);
}

/** Runs a command in a folder and gives what it wrote; throws with all of it when it fails. */
export function command(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: plainEnvironment(),
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32' && program === 'npm',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  return stdout;
}
