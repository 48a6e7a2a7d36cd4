import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '@stream-sessions/core/testing';
import { fileLease, type SourceLease } from '../src/index.js';
import { Cameras, closeStudios, studio, turn } from './support/studio.js';

let folder: string;
let cameras: Cameras;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lease-'));
  cameras = new Cameras();
});
afterEach(async () => {
  await closeStudios();
  rmSync(folder, { recursive: true, force: true });
});

/** One of several that share the cameras. */
const sharing = (lease: SourceLease = fileLease(folder)) =>
  studio({ lease, sources: [{ pattern: 'cam{n}', driver: cameras }], hibernateAfterMs: 60_000 });

type Studio = ReturnType<typeof studio>;

/** Lets time pass for all of them until something holds; files take their own time. */
const passUntil = (what: string, studios: readonly Studio[], holds: () => boolean, ms = 100) =>
  until(what, async () => {
    for (const { clock } of studios) clock.advance(ms);
    await turn();
    return holds();
  });

async function aPair(): Promise<[Studio, Studio]> {
  const first = sharing();
  await passUntil('the first decides', [first], () => first.sources.decides);
  const second = sharing();
  return [first, second];
}

it('of processes with a lease, one decides for the viewers of all', async () => {
  const [first, second] = await aPair();
  second.hit();
  const wait = second.sources.ready('cam1');
  await passUntil('the others know', [first, second], () => second.sources.state('cam1') === 'running');
  await expect(wait).resolves.toBe(true);
  expect(second.sources.ready('cam1')).toBeUndefined();
  expect([first.sources.decides, second.sources.decides]).toEqual([true, false]);
  expect([first.sources.state('cam1'), cameras.calls]).toEqual(['running', ['start cam1']]);
  expect([first.told, second.told]).toEqual([['cam1 waking', 'cam1 running'], []]);

  // it stays awake for those alone
  second.tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7', keepMs: 86_400_000 });
  const later = first.clock.now() + 120_000;
  await passUntil('two minutes are over', [first, second], () => first.clock.now() > later, 1_000);
  expect([first.sources.state('cam1'), first.tracker.count({ stream: 'cam1' })]).toEqual(['running', 0]);
  second.tracker.kickAll({ stream: 'cam1' });
  await passUntil('it sleeps', [first, second], () => second.sources.state('cam1') === 'hibernated', 1_000);
  expect(cameras.calls).toEqual(['start cam1', 'stop cam1']);
});

it('when the holder of the lease ends, another takes over and starts what its viewers need', async () => {
  const [first, second] = await aPair();
  second.tracker.openConn({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '203.0.113.7', keepMs: 86_400_000 });
  await passUntil('it runs', [first, second], () => second.sources.state('cam1') === 'running');
  await first.sources.close();
  await passUntil('the other has started it', [second], () => second.told.includes('cam1 running'));
  expect([first.sources.decides, second.sources.decides]).toEqual([false, true]);
  expect(cameras.calls).toEqual(['start cam1', 'start cam1']);
  await second.sources.close();
  expect(readdirSync(folder)).toEqual([]);
});

it('a process without the lease wakes a source through the holder, and only the holder puts it to sleep', async () => {
  const [first, second] = await aPair();
  const woken = second.sources.wake('cam1');
  await passUntil('it runs', [first, second], () => second.sources.state('cam1') === 'running');
  await expect(woken).resolves.toBe(true);
  await expect(second.sources.hibernate('cam1')).rejects.toMatchObject({ code: 'ERR_LEASE_NOT_HELD' });
  const later = first.clock.now() + 3_000;
  await passUntil('nobody asks for it any more', [first, second], () => first.clock.now() > later);
  await first.sources.hibernate('cam1');
  await passUntil('the other knows', [first, second], () => second.sources.state('cam1') === 'hibernated');
});

it('a process that loses the lease lets go of everything, and finds what runs when it has it again', async () => {
  let isOurs = true;
  let closed = 0;
  const lease: SourceLease = { acquire: async () => isOurs, held: () => isOurs, release: async () => undefined };
  const driver = Object.assign(cameras, {
    close: () => void closed++,
    list: async () => [...cameras.running.keys()].map((stream) => ({ stream })),
  });
  const { sources, hit, pass, told } = studio({ lease, sources: [{ pattern: 'cam{n}', driver }] });
  await turn();
  hit();
  await turn();
  expect(sources.state('cam1')).toBe('running');
  isOurs = false;
  expect(sources.decides).toBe(false); // at once
  await pass(2_000);
  expect([sources.state('cam1'), closed]).toEqual(['hibernated', 1]);
  hit();
  await pass(5_000);
  expect(cameras.calls).toEqual(['start cam1']);
  isOurs = true;
  await pass(2_000);
  expect([sources.state('cam1'), cameras.calls]).toEqual(['running', ['start cam1']]);
  expect(told.at(-1)).toBe('cam1 running');
});

it('a process that gets the lease decides after a minute although a driver never says what runs', async () => {
  const lease: SourceLease = { acquire: async () => true, held: () => true, release: async () => undefined };
  const driver = Object.assign(cameras, { list: () => new Promise<never>(() => undefined) });
  const { sources, hit, pass } = studio({ lease, sources: [{ pattern: 'cam{n}', driver }] });
  hit();
  await pass(59_000);
  expect([sources.decides, cameras.calls]).toEqual([false, []]);
  hit();
  await pass(3_000);
  expect([sources.decides, cameras.calls]).toEqual([true, ['start cam1']]);
});

it('a process whose lease fails decides nothing, reports it once, and resumes when the lease works', async () => {
  let fails = true;
  const errors: string[] = [];
  const lease: SourceLease = {
    acquire: async () => {
      if (fails) throw new Error('no answer');
      return true;
    },
    held: () => !fails,
    release: async () => undefined,
  };
  const logger = { warn: () => undefined, error: (_: unknown, text: string) => void errors.push(text) };
  const { sources, hit, pass, cameras: own } = studio({ lease, logger });
  hit();
  await pass(5_000);
  expect([sources.decides, own.calls, errors]).toEqual([false, [], ['the lease of the sources failed']]);
  fails = false;
  await pass(2_000);
  expect([sources.decides, own.calls]).toEqual([true, ['start cam1']]);
});

it('a process takes over a lease with an unknown holder, but not from a holder on another host', async () => {
  writeFileSync(path.join(folder, 'holder-7'), 'torn');
  const lease = fileLease(folder);
  expect(await lease.acquire()).toBe(true);
  await lease.release();
  writeFileSync(path.join(folder, 'holder-9'), JSON.stringify({ pid: 1, host: 'elsewhere' }));
  expect(await fileLease(folder).acquire()).toBe(false);
});

it('a process no longer holds a lease whose files somebody has removed', async () => {
  const [first, second] = [fileLease(folder), fileLease(folder)];
  expect(await first.acquire()).toBe(true);
  rmSync(folder, { recursive: true });
  expect(await second.acquire()).toBe(true);
  expect([await first.acquire(), first.held()]).toEqual([false, false]);
});

it('an invalid lease is refused', () => {
  expect(() => studio({ lease: {} as never })).toThrow('lease');
  expect(() => fileLease('')).toThrow('fileLease');
});
