import type { EventSink, SinkGap, SinkOptions, WireEvent } from '../src/index.js';
import { deferred, hit, refusal, now, request, setup, settleAll } from './support/make.js';

/** A sink that keeps what it gets; `gate` holds every write until it is opened. */
function collector(
  gate?: Promise<void>,
): EventSink & { batches: WireEvent[][]; closed: number; got: () => WireEvent[] } {
  const batches: WireEvent[][] = [];
  const sink = {
    name: 'collector',
    batches,
    closed: 0,
    got: () => batches.flat(),
    write: async (batch: readonly WireEvent[]) => {
      batches.push([...batch]);
      await gate;
    },
    close: () => void sink.closed++,
  };
  return sink;
}

const types = (events: WireEvent[]): string[] => events.map(({ type }) => type.replace('session.', ''));

describe('sinks', () => {
  it('get envelopes in order, with everything that one call causes in one batch', async () => {
    const { tracker } = setup();
    const sink = collector();
    tracker.addSink(sink);
    const { id } = request(tracker, { token: 'a' }).session ?? { id: '' };
    request(tracker, { token: 'b' });
    tracker.kick(id);
    expect(sink.batches).toEqual([]);
    await settleAll();
    expect(sink.batches.map(types)).toEqual([['opened', 'opened', 'closed']]);
    expect(sink.got().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await tracker.stop();
  });

  it('get the documented payloads, and no token', async () => {
    const { tracker, clock } = setup({ geo: { country: () => 'NL' }, updateIntervalMs: 1_000 });
    const sink = collector();
    tracker.addSink(sink);
    const secret = 'not-for-logs';
    const open = request(tracker, { token: secret, query: `token=${secret}` });
    open.touch(60);
    clock.advance(1_500);
    open.touch(40);
    const id = open.session?.id ?? '';
    tracker.kick(id, { reason: 'spam', denyForMs: 60_000 });
    refusal(now(tracker.admit(hit({ token: secret }))));
    await settleAll();
    const [opened, , closed, denied] = sink.got() as [WireEvent, WireEvent, WireEvent, WireEvent];
    expect(types(sink.got())).toEqual(['opened', 'updated', 'closed', 'denied']);
    const opened_at = '2026-01-01T00:00:00.000Z';
    const base = { session_id: id, opened_at, proto: 'hls', ip: '203.0.113.7' };
    expect(opened).toMatchObject({ stream_code: 'cam1', occurred_at: opened_at });
    expect(opened.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(opened.payload).toMatchObject({ ...base, user_agent: 'player/1.0', country: 'NL' });
    expect(opened.payload['user_name']).toBe(open.session?.tokenFingerprint);
    expect(closed.payload).toMatchObject({ ...base, bytes: 100, duration_sec: 1.5, reason: 'kicked', detail: 'spam' });
    expect(denied.payload).toMatchObject({ proto: 'hls', ip: '203.0.113.7', reason: 'kicked', kind: 'forbidden' });
    expect(denied.payload['until']).toBe('2026-01-01T00:01:01.500Z');
    expect(JSON.stringify(sink.got())).not.toContain(secret);
    expect(Object.isFrozen(opened) && Object.isFrozen(opened.payload)).toBe(true);
    await tracker.stop();
  });

  it('get only the newer of two queued updates of a session', async () => {
    const { tracker, clock } = setup({ updateIntervalMs: 1_000 });
    const gate = deferred<void>();
    const sink = collector(gate.promise);
    tracker.addSink(sink);
    const open = request(tracker);
    await settleAll();
    for (let i = 0; i < 5; i++) {
      clock.advance(1_000);
      open.touch(10);
    }
    clock.advance(1_000);
    gate.resolve();
    await settleAll();
    expect(types(sink.got())).toEqual(['opened', 'updated']);
    expect(sink.got()[1]?.payload['bytes']).toBe(50);
    expect(tracker.stats().droppedEventsTotal).toBe(0);
    await tracker.stop();
  });

  it('lose the oldest updates if too many wait, then denials, and learn of the gap', async () => {
    const { tracker, clock } = setup({ updateIntervalMs: 1, maxSessionsPerIp: 1e6 });
    const gate = deferred<void>();
    const gaps: SinkGap[] = [];
    const sink = { ...collector(gate.promise), gap: (gap: SinkGap) => void gaps.push(gap) };
    tracker.addSink(sink, { maxPairs: 20_000 });
    for (let i = 0; i < 10_002; i++) tracker.trackHttp(hit({ token: `t${i}` }));
    for (let i = 0; i < 10_002; i++) tracker.trackHttp(hit({ token: `t${i}`, bytes: 1 }));
    clock.advance(10);
    expect(tracker.stats().droppedEventsTotal).toBe(2);
    tracker.deny({ stream: 'cam2' });
    now(tracker.admit(hit({ stream: 'cam2' })));
    expect(tracker.stats().droppedEventsTotal).toBe(3);
    gate.resolve();
    await settleAll();
    const got = types(sink.batches.flat());
    expect(got.filter((type) => type === 'opened')).toHaveLength(10_002);
    expect(got.filter((type) => type === 'updated')).toHaveLength(9_999);
    expect(got.at(-1)).toBe('denied');
    expect(gaps).toEqual([{ events: 3, firstSeq: 10_003, lastSeq: 10_005 }]);
    expect(Math.max(...sink.batches.map((batch) => batch.length))).toBeLessThanOrEqual(1_000);
    await tracker.stop();
  });

  it('lose whole pairs if too many wait, and never the closed of a delivered opened', async () => {
    const { tracker } = setup({ maxSessionsPerIp: 1e6 });
    const gate = deferred<void>();
    const sink = collector(gate.promise);
    tracker.addSink(sink, { maxPairs: 5 });
    const rows = Array.from({ length: 13 }, (_, i) => tracker.trackHttp(hit({ token: `t${i}` })));
    expect(tracker.stats()).toMatchObject({ droppedEventsTotal: 3, sinks: [{ queued: 10, dropped: 3 }] });
    for (const row of rows) tracker.kick(row?.id ?? '');
    expect(tracker.stats().droppedEventsTotal).toBe(6);
    gate.resolve();
    await settleAll();
    expect(types(sink.got())).toEqual([...Array(10).fill('opened'), ...Array(10).fill('closed')]);
    await tracker.stop();
  });

  it('get the live sessions first, and nothing of their past', async () => {
    const { tracker, clock } = setup();
    request(tracker, { token: 'a' });
    tracker.kick(request(tracker, { token: 'gone' }).session?.id ?? '', { denyForMs: 0 });
    clock.advance(1);
    const open = request(tracker, { token: 'b' });
    const sink = collector();
    tracker.addSink(sink);
    open.touch(5);
    tracker.kick(open.session?.id ?? '');
    await settleAll();
    expect(types(sink.got())).toEqual(['attached', 'attached', 'closed']);
    const [a, b, closed] = sink.got();
    expect(a?.payload).toMatchObject({ viewers: 1, stream_code: 'cam1' });
    expect(b?.payload).toMatchObject({ session_id: open.session?.id });
    expect(b?.payload).not.toHaveProperty('closed_at');
    expect(closed?.payload).toMatchObject({ id: open.session?.id, bytes: 5, viewers: 1, user_agent: 'player/1.0' });
    // nobody has listened before: nothing had a number
    expect([a?.seq, b?.seq, closed?.seq]).toEqual([0, 0, 1]);
    await tracker.stop();
  });

  it('get a failed batch again according to retry, with the same ids, in order', async () => {
    const { tracker, clock } = setup();
    const tried: string[][] = [];
    tracker.addSink(
      {
        name: 'flaky',
        write: (batch) => {
          tried.push(batch.map(({ id }) => id));
          if (tried.length < 3) throw new Error('not yet');
        },
      },
      { retry: { tries: 3, delayMs: 1_000 } },
    );
    tracker.trackHttp(hit({ token: 'a' }));
    await settleAll();
    tracker.trackHttp(hit({ token: 'b' }));
    clock.advance(1_000);
    await settleAll();
    expect(tried).toHaveLength(2);
    clock.advance(2_000);
    await settleAll();
    expect(tried.map((ids) => ids.length)).toEqual([1, 1, 1, 1]);
    expect(new Set(tried.slice(0, 3).flat()).size).toBe(1);
    expect(tracker.stats().droppedEventsTotal).toBe(0);
    await tracker.stop();
  });

  it.each([
    [{ maxPairs: 0 }, 'maxPairs'],
    [{ spillFile: '' }, 'spillFile'],
    [{ retry: { tries: 0, delayMs: 1 } }, 'tries'],
    [{ retry: { tries: 1, delayMs: -1 } }, 'delayMs'],
    [{ spil: 'x' }, 'spillFile'],
  ])('refuses the options %p', (options, name) => {
    const { tracker } = setup();
    expect(() => tracker.addSink(collector(), options as SinkOptions)).toThrow(name);
  });

  it('lose a batch when they reject or throw, which is counted, and get the next one', async () => {
    const { tracker, logged } = setup();
    let calls = 0;
    const got: WireEvent[] = [];
    tracker.addSink({
      name: 'flaky',
      write: (batch) => {
        if (++calls === 1) throw new Error('sync');
        got.push(...(calls === 2 ? [] : batch));
        return calls === 2 ? Promise.reject(new Error('async')) : Promise.resolve();
      },
    });
    for (const token of ['a', 'b', 'c']) {
      tracker.trackHttp(hit({ token }));
      await settleAll();
    }
    expect(types(got)).toEqual(['opened']);
    expect(tracker.stats().droppedEventsTotal).toBe(2);
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(2);
    await tracker.stop();
  });

  it('survive a logger that throws', async () => {
    const fail = (): void => {
      throw new Error('the log is full');
    };
    const { tracker } = setup({ logger: { debug: fail, info: fail, warn: fail, error: fail }, maxSessions: 2 });
    const got: WireEvent[] = [];
    let calls = 0;
    tracker.addSink({
      name: 'flaky',
      write: (batch) => {
        if (++calls === 1) throw new Error('no');
        got.push(...batch);
      },
    });
    for (const token of ['a', 'b', 'c']) {
      tracker.trackHttp(hit({ token }));
      await settleAll();
    }
    expect(types(got)).toEqual(['opened']);
    await tracker.stop();
  });

  it('get everything before stop resolves, are closed once, and get nothing afterwards', async () => {
    const { tracker } = setup();
    const gate = deferred<void>();
    const sink = collector(gate.promise);
    tracker.addSink(sink);
    request(tracker);
    await settleAll();
    const stopped = tracker.stop();
    await settleAll();
    expect(sink.closed).toBe(0);
    gate.resolve();
    await stopped;
    expect(types(sink.got())).toEqual(['opened', 'closed']);
    expect(sink.closed).toBe(1);
    expect(now(tracker.admit(hit())).admitted).toBe(false);
    await settleAll();
    expect(types(sink.got())).toEqual(['opened', 'closed']);
    await tracker.stop();
    expect(sink.closed).toBe(1);
  });

  it('that hang are abandoned after the timeout of stop, and what they did not take is counted', async () => {
    const { tracker, clock } = setup();
    const sink = collector(new Promise(() => undefined));
    tracker.addSink(sink);
    request(tracker, { token: 'a' });
    await settleAll();
    let resolved = false;
    const stopped = tracker.stop({ timeoutMs: 2_000 }).then(() => (resolved = true));
    await settleAll();
    clock.advance(1_999);
    await settleAll();
    expect(resolved).toBe(false);
    clock.advance(1);
    await stopped;
    expect(tracker.stats().droppedEventsTotal).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('get only what was queued once they are removed', async () => {
    const { tracker } = setup();
    const sink = collector();
    const remove = tracker.addSink(sink);
    tracker.trackHttp(hit({ token: 'a' }));
    remove();
    remove();
    tracker.trackHttp(hit({ token: 'b' }));
    await settleAll();
    expect(types(sink.got())).toEqual(['opened']);
    expect(sink.closed).toBe(1);
    await tracker.stop();
  });

  it('get denials that never end', async () => {
    const { tracker } = setup();
    const sink = collector();
    tracker.addSink(sink);
    tracker.deny({ ip: '203.0.113.7' }, { forMs: Infinity });
    expect(now(tracker.admit(hit())).admitted).toBe(false);
    await settleAll();
    expect(types(sink.got())).toEqual(['denied']);
    await tracker.stop();
  });
});
