import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SourceShare } from '@stream-sessions/on-demand';
import { leaseContract, type Contender } from '@stream-sessions/on-demand/testing';
import { LeaseContender } from './support/lease-contender.js';
import { commandOf, descendants } from './support/processes.js';
import { until } from './support/until.js';

const contenders: LeaseContender[] = [];
let folder: string;
const open = (): LeaseContender => {
  const one = new LeaseContender(folder);
  contenders.push(one);
  return one;
};
const begin = (): void => {
  folder = mkdtempSync(path.join(tmpdir(), 'lease-'));
};
const end = async (): Promise<void> => {
  await Promise.all(contenders.splice(0).map((one) => one.kill()));
  rmSync(folder, { recursive: true, force: true });
};

/** As the suite sees a process. */
const asContender = (one: LeaseContender): Contender => ({
  acquire: () => one.call('acquire'),
  held: () => one.call('held'),
  release: () => one.call('release'),
  share: (ours: SourceShare) => one.call('share', ours),
  kill: () => one.kill(),
});

leaseContract({
  name: 'fileLease',
  start: () => {
    begin();
    return { contender: async () => asContender(open()), stop: end };
  },
});

describe('two processes that share a camera', () => {
  beforeEach(begin);
  afterEach(end);

  it('start it once, and when the holder of the lease is killed, the other continues with it', async () => {
    const command = [process.execPath, '-e', `setInterval(() => "${folder}", 1000)`];
    const cameras = (): number[] =>
      descendants(process.pid).filter((pid) => commandOf(pid).includes(folder) && isCamera(pid));
    const isCamera = (pid: number): boolean => commandOf(pid).includes('setInterval');
    const pair = [open(), open()];
    await Promise.all(pair.map((one) => one.call('watch', command, 'cam1')));
    const running = () => Promise.all(pair.map((one) => one.call('state', 'cam1')));
    await until('both know that it runs', async () => (await running()).every((state) => state === 'running'));
    expect(cameras()).toHaveLength(1);
    const decides = await Promise.all(pair.map((one) => one.call<boolean>('decides')));
    expect(decides.filter(Boolean)).toHaveLength(1);

    const [holder, other] = decides[0] === true ? pair : [...pair].reverse();
    const [camera] = cameras();
    await holder?.kill();
    await until('the other decides', () => other?.call<boolean>('decides') ?? false);
    await until('it has started another', () => cameras().length === 1 && cameras()[0] !== camera);
  });
});
