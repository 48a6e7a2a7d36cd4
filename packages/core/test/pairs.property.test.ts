import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { EventSink, SessionTracker, SinkOptions, WireEvent } from '../src/index.js';
import { until } from '../src/testing/until.js';
import { deferred, hit, setup, settleAll } from './support/make.js';
import { pace } from '../../../test/support/until.js';

const visitOf = ({ payload }: WireEvent): string => `${String(payload['session_id'])}@${String(payload['opened_at'])}`;

/** Takes what it gets, as badly as it is told. */
class RudeSink implements EventSink {
  readonly name = 'rude';
  readonly got: WireEvent[] = [];
  readonly lost = { events: 0 };
  private calls = 0;

  constructor(
    private readonly failEvery: number,
    private readonly gate: () => Promise<void> | undefined,
  ) {}

  async write(batch: readonly WireEvent[]): Promise<void> {
    await this.gate();
    if (this.failEvery > 0 && ++this.calls % this.failEvery === 0) throw new Error('not now');
    this.got.push(...batch);
  }

  gap({ events }: { events: number }): void {
    this.lost.events += events;
  }
}

/** What the promise says of what one sink got: pairs are whole and in order, and nothing comes twice. */
function pairsOf(events: readonly WireEvent[]): { open: Set<string>; pairs: number } {
  const open = new Set<string>();
  const ended = new Set<string>();
  for (const event of events) {
    const visit = visitOf(event);
    if (event.type === 'session.opened' || event.type === 'session.attached') {
      if (open.has(visit) || ended.has(visit)) throw new Error(`${visit} opened twice`);
      open.add(visit);
    } else if (event.type === 'session.closed') {
      if (!open.delete(visit)) throw new Error(`${visit} closed without having opened`);
      ended.add(visit);
    } else if (event.type === 'session.updated' && !open.has(visit))
      throw new Error(`${visit} changed, and is not open`);
  }
  return { open, pairs: ended.size };
}

const viewer = fc.integer({ min: 0, max: 5 });
const steps = fc.oneof(
  fc.record({ do: fc.constant('hit' as const), viewer }),
  fc.record({ do: fc.constant('kick' as const), viewer }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({ do: fc.constant('attach' as const), failEvery: fc.constantFrom(0, 2, 3), held: fc.boolean() }),
  fc.record({ do: fc.constant('free' as const) }),
);

it('a sink gets whole pairs in order, whatever happens, however slow, failing or late it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (history) => {
      const { tracker, clock } = setup({ updateIntervalMs: 1_000, deniedRetentionMs: 0 });
      const sinks: RudeSink[] = [];
      let held = deferred<void>();
      for (const step of history) {
        if (step.do === 'hit') tracker.trackHttp(hit({ token: `v${step.viewer}`, bytes: 10 }));
        else if (step.do === 'kick') kick(tracker, step.viewer);
        else if (step.do === 'wait') clock.advance(step.ms);
        else if (step.do === 'free') {
          held.resolve();
          held = deferred<void>();
        } else {
          const gate = held.promise;
          const sink = new RudeSink(step.failEvery, () => (step.held ? gate : undefined));
          sinks.push(sink);
          tracker.addSink(sink, { retry: { tries: 2, delayMs: 0 } });
        }
        await settleAll();
        clock.advance(0);
      }
      held.resolve();
      await endedBy(tracker, () => clock.advance(1));
      for (const sink of sinks) expect([sink.lost.events, pairsOf(sink.got).open.size]).toEqual([0, 0]);
    }),
    { numRuns: 60 },
  );
});

function kick(tracker: SessionTracker, n: number): void {
  const [live] = tracker.list({ status: 'active' }).slice(n);
  if (live !== undefined) tracker.kick(live.id);
}

async function endedBy(tracker: SessionTracker, goOn: () => void): Promise<void> {
  let over = false;
  const stopped = tracker.stop().then(() => (over = true));
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    goOn();
  }
  await stopped;
}

describe('stop', () => {
  const LIVE = 20_000;

  function full(options: SinkOptions, write: () => Promise<void> | undefined) {
    const { tracker, clock } = setup({ maxSessionsPerIp: Infinity });
    for (let i = 0; i < LIVE; i++) tracker.trackHttp(hit({ token: `${i}` }));
    const sink = new RudeSink(0, write);
    tracker.addSink(sink, options);
    return { tracker, clock, sink };
  }

  it('delivers the end of every live session, however slow the sink, and keeps few of them in memory', async () => {
    let most = 0;
    const { tracker, sink } = full({ maxPairs: 1_000 }, async () => {
      most = Math.max(most, tracker.stats().sinks[0]?.queued ?? 0);
      await new Promise((resolve) => setImmediate(resolve));
    });
    await tracker.stop();
    expect(pairsOf(sink.got)).toMatchObject({ pairs: LIVE, open: new Set() });
    expect(tracker.stats().droppedEventsTotal).toBe(0);
    expect(most).toBeLessThan(4_000);
  });

  it('ends in time if a sink hangs, and counts what that sink did not get', async () => {
    const { tracker, clock, sink } = full({}, () => (sink.got.length >= 5_000 ? new Promise(() => {}) : undefined));
    const stopped = tracker.stop({ timeoutMs: 2_000 });
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(2_000);
    await stopped;
    expect(tracker.stats().active).toBe(0);
    // one batch is with the sink, and of the rows in front of it nobody knows
    expect(tracker.stats().droppedEventsTotal).toBeGreaterThanOrEqual(LIVE);
  });
});

describe('the spill file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spill-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const soon = () => pace(5);

  it('takes pairs that do not fit, in order, and is gone when all of them are', async () => {
    const spillFile = join(folder, 'pairs');
    const { tracker } = setup({ maxSessionsPerIp: Infinity });
    const gate = deferred<void>();
    const sink = new RudeSink(0, () => gate.promise);
    tracker.addSink(sink, { maxPairs: 10, spillFile });
    for (let i = 0; i < 3_000; i++) tracker.trackHttp(hit({ token: `tökén ${i}` }));
    tracker.kickAll({ stream: 'cam1' });
    await soon();
    // a batch may be on its way
    expect(tracker.stats().sinks[0]?.queued).toBeGreaterThanOrEqual(5_000);
    expect(tracker.stats().droppedEventsTotal).toBe(0);
    gate.resolve();
    await tracker.stop();
    expect(pairsOf(sink.got)).toMatchObject({ pairs: 3_000, open: new Set() });
    const numbers = sink.got.map(({ seq }) => seq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(() => readFileSync(spillFile)).toThrow('ENOENT');
  });

  it('takes no more pairs than fit into it, and those whole', async () => {
    const spillFile = join(folder, 'bounded');
    const { tracker } = setup({ maxSessionsPerIp: Infinity });
    const gate = deferred<void>();
    const sink = new RudeSink(0, () => gate.promise);
    tracker.addSink(sink, { maxPairs: 10, spillFile, maxSpillBytes: 100_000 });
    await until('the file is there', () => existsSync(spillFile));
    for (let i = 0; i < 10; i++) await soon();
    for (let i = 0; i < 3_000; i++) tracker.trackHttp(hit({ token: `tökén ${i}` }));
    await until('the file is full', () => statSync(spillFile).size >= 100_000);
    const { size } = statSync(spillFile);
    expect(size).toBeLessThan(110_000);
    tracker.kickAll({ stream: 'cam1' });
    await soon();
    expect(statSync(spillFile).size).toBeLessThan(4 * size);
    gate.resolve();
    await tracker.stop();
    const { pairs, open } = pairsOf(sink.got);
    expect(open).toEqual(new Set());
    expect(pairs).toBeGreaterThan(50);
    expect(tracker.stats().droppedEventsTotal).toBe(2 * (3_000 - pairs));
  });

  it.each([0, -1, NaN, Infinity, '1'])('refuses maxSpillBytes of %p', (maxSpillBytes) => {
    const add = () => setup().tracker.addSink(new RudeSink(0, () => undefined), { maxSpillBytes } as never);
    expect(add).toThrow('maxSpillBytes must be bytes, at least 1');
  });

  it('keeps what a process left in it for the next, with the same ids, whatever a crash has cut', async () => {
    const spillFile = join(folder, 'left');
    const { tracker, clock } = setup({ maxSessionsPerIp: Infinity });
    tracker.addSink(new RudeSink(0, () => new Promise(() => {})), { maxPairs: 1, spillFile });
    await until('the file is there', () => existsSync(spillFile));
    for (let i = 0; i < 10; i++) await soon();
    for (let i = 0; i < 10; i++) tracker.trackHttp(hit({ token: `${i}` }));
    await until('they are in the file', () => readFileSync(spillFile, 'utf8').split('\n').length > 8);
    const stopped = tracker.stop({ timeoutMs: 1 });
    await soon();
    clock.advance(1);
    await stopped;
    const left = readFileSync(spillFile, 'utf8');
    expect(left.trim().split('\n').length).toBe(18);
    writeFileSync(spillFile, `${left}{"id":"cut`);
    const next = setup();
    const sink = new RudeSink(0, () => undefined);
    next.tracker.addSink(sink, { spillFile });
    next.tracker.trackHttp(hit());
    await soon();
    await next.tracker.stop();
    const ids = left
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as WireEvent).id);
    expect(sink.got.slice(0, ids.length).map(({ id }) => id)).toEqual(ids);
    expect(sink.got).toHaveLength(ids.length + 2);
  });

  it('that cannot be written any more is given up: what it would have taken is lost, and counted', async () => {
    const own = mkdtempSync(join(tmpdir(), 'spill-'));
    const spillFile = join(own, 'gone');
    const { tracker, logged } = setup({ maxSessionsPerIp: Infinity });
    const gate = deferred<void>();
    const sink = new RudeSink(0, () => gate.promise);
    tracker.addSink(sink, { maxPairs: 5, spillFile });
    let opened = 0;
    const open = () => tracker.trackHttp(hit({ token: `${opened++}` }));
    const told = () => sink.got.length + tracker.stats().droppedEventsTotal;
    await until('the file is in use', () => open() && existsSync(spillFile) && readFileSync(spillFile).length > 0);
    rmSync(own, { recursive: true });
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 20; n++) open();
      await soon();
    }
    expect(logged).toEqual([]);
    gate.resolve();
    await until('the loss is counted', () => told() === opened);
    expect(tracker.stats().droppedEventsTotal).toBeGreaterThanOrEqual(40);
    expect(logged.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'the spill file of a sink failed' },
    ]);
    open();
    await until('it is told again', () => told() === opened);
    expect(sink.got.at(-1)?.type).toBe('session.opened');
    await tracker.stop();
  });

  it('tells what an earlier process left before anything of its own, however long reading that takes', async () => {
    const spillFile = join(folder, 'left');
    const left = Array.from({ length: 900 }, (_, n) => {
      const type = n % 2 === 0 ? 'session.opened' : 'session.closed';
      return { type, payload: { session_id: `${n >> 1}`, opened_at: 'then', user_agent: 'a'.repeat(10_000) } };
    });
    writeFileSync(spillFile, left.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const { tracker } = setup();
    const sink = new RudeSink(0, () => undefined);
    tracker.addSink(sink, { maxPairs: 1, spillFile });
    let came = 0;
    while (sink.got.length === 0) {
      tracker.kickAll({ stream: 'cam1' });
      for (let n = 0; n < 3; n++) tracker.trackHttp(hit({ ip: `10.0.${came >> 8}.${came++ & 255}` }));
      await new Promise(setImmediate);
    }
    await tracker.stop();
    expect(pairsOf(sink.got)).toMatchObject({ pairs: 450 + came, open: new Set() });
    expect(sink.got.slice(0, left.length)).toEqual(left);
  });

  it.each([0, 50])('loses nothing that follows a line cut short by a crash, %d ms later', async (ms) => {
    const spillFile = join(folder, 'cut');
    writeFileSync(spillFile, '{"id":"cut');
    const { tracker } = setup({ maxSessionsPerIp: Infinity });
    const gate = deferred<void>();
    const sink = new RudeSink(0, () => gate.promise);
    tracker.addSink(sink, { maxPairs: 1, spillFile });
    await pace(ms);
    for (let i = 0; i < 10; i++) tracker.trackHttp(hit({ token: `${i}` }));
    tracker.kickAll({ stream: 'cam1' });
    gate.resolve();
    await tracker.stop();
    expect(pairsOf(sink.got)).toMatchObject({ pairs: 10, open: new Set() });
  });

  it('belongs to one sink at a time', async () => {
    const spillFile = join(folder, 'shared');
    const [first, second] = [setup(), setup()];
    first.tracker.addSink(new RudeSink(0, () => undefined), { spillFile });
    await until('the file is there', () => existsSync(spillFile));
    second.tracker.addSink(new RudeSink(0, () => undefined), { spillFile });
    await until('it is reported', () => second.logged.some(({ level }) => level === 'error'));
    await first.tracker.stop();
    const third = setup();
    third.tracker.addSink(new RudeSink(0, () => undefined), { spillFile });
    await until('the file is there again', () => existsSync(spillFile));
    await Promise.all([second.tracker.stop(), third.tracker.stop()]);
    expect(third.logged).toEqual([]);
  });

  it('that cannot be used is an error in the log, and pairs wait in memory', async () => {
    const { tracker, logged } = setup();
    const sink = new RudeSink(0, () => undefined);
    tracker.addSink(sink, { spillFile: folder });
    tracker.trackHttp(hit());
    await soon();
    await tracker.stop();
    expect(pairsOf(sink.got).pairs).toBe(1);
    expect(logged.some(({ level }) => level === 'error')).toBe(true);
  });
});
