import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from './support/packages.js';

/** Tries to hold a state file whenever it is told to, and says whether it does. */
const CONTENDER = `
  const { fileState } = require('@stream-sessions/core');
  process.on('message', (file) => {
    try {
      fileState(file);
      process.send(true);
    } catch (error) {
      if (error.code !== 'ERR_STATE_IN_USE') throw error;
      process.send(false);
    }
  });
  process.send('ready');
`;
const CONTENDERS = 4;
const ROUNDS = 8;

const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-'));
const contenders: ChildProcess[] = [];
afterAll(() => {
  for (const child of contenders) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function contender(): Promise<ChildProcess> {
  const child = fork('-e', [CONTENDER], { cwd: root, execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  contenders.push(child);
  await once(child, 'message');
  return child;
}

it('of several processes that find an abandoned state file, exactly one gets it, each time', async () => {
  const file = path.join(folder, 'sessions.state');
  for (let n = 0; n < CONTENDERS; n++) await contender();
  for (let round = 0; round < ROUNDS; round++) {
    const answers = contenders.map((child) => once(child, 'message') as Promise<[boolean]>);
    for (const child of contenders) child.send(file);
    const holds = (await Promise.all(answers)).map(([answer]) => answer);
    expect(holds.filter(Boolean)).toHaveLength(1);
    const [holder] = contenders.splice(holds.indexOf(true), 1);
    holder?.kill('SIGKILL');
    await Promise.all([once(holder as ChildProcess, 'exit'), contender()]);
  }
});
