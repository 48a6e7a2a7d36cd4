import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { execFileSync } from 'node:child_process';
import { registerOpenTelemetry, registerPromClient } from '@stream-sessions/metrics';
import { Gauge, Registry } from 'prom-client';
import { trackerWith, watch } from './support/tracker.js';

describe('prom-client', () => {
  it('has the same text as the handler, and promtool finds no mistake', async () => {
    const tracker = trackerWith({ cam1: 2, 'a"b\n': 1 });
    const registry = new Registry();
    registerPromClient(registry, tracker);
    const text = await registry.metrics();
    expect(text).toContain('stream_sessions_active{stream="cam1",protocol="hls",kind="viewer"} 2');
    expect(text).toContain('stream_sessions_active{stream="a\\"b\\n",protocol="hls",kind="viewer"} 1');
    expect(text).toContain('stream_sessions_opened_total 3');
    expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
    await tracker.stop();
  });

  it('writes counters once in OpenMetrics, at every scrape', async () => {
    const tracker = trackerWith({ cam1: 1 });
    const registry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    registerPromClient(registry, tracker);
    for (let i = 0; i < 2; i++) {
      expect(await registry.metrics()).toMatch(
        /# TYPE stream_sessions_opened counter\nstream_sessions_opened_total 1\n/,
      );
    }
    await tracker.stop();
  });

  it('keeps nothing of a stream that ended, and leaves nothing behind when the metrics are removed', async () => {
    const tracker = trackerWith({ gone: 1 });
    const registry = new Registry();
    const remove = registerPromClient(registry, tracker);
    expect(await registry.metrics()).toContain('gone');
    tracker.kickAll({ stream: 'gone' });
    expect(await registry.metrics()).not.toContain('gone');
    expect(() => registerPromClient(registry, tracker)).toThrow('already been registered');
    remove();
    expect(await registry.metrics()).toBe('\n');
    registerPromClient(registry, tracker);
    await tracker.stop();
  });

  it('removes what it has registered itself, once, however often it is told to', async () => {
    const tracker = trackerWith({ cam1: 1 });
    const registry = new Registry();
    const remove = registerPromClient(registry, tracker);
    remove();
    registerPromClient(registry, tracker);
    remove();
    expect(await registry.metrics()).toContain('cam1');
    await tracker.stop();
  });

  it('registers nothing where one of its names is taken', async () => {
    const tracker = trackerWith({ cam1: 1 });
    const registry = new Registry();
    const own = new Gauge({ name: 'stream_sessions_build_info', help: 'Mine.', registers: [registry] });
    expect(() => registerPromClient(registry, tracker)).toThrow('already been registered');
    expect(registry.getMetricsAsArray()).toEqual([own]);
    registry.clear();
    registerPromClient(registry, tracker);
    await tracker.stop();
  });

  it('asks the tracker once per scrape', async () => {
    const tracker = trackerWith({ cam1: 1 });
    const stats = jest.spyOn(tracker, 'stats');
    const registry = new Registry();
    registerPromClient(registry, tracker);
    await registry.metrics();
    await registry.metrics();
    expect(stats).toHaveBeenCalledTimes(2);
    await tracker.stop();
  });
});

class Reader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}
}

describe.each([
  ['cumulative', AggregationTemporality.CUMULATIVE],
  ['delta', AggregationTemporality.DELTA],
])('OpenTelemetry, %s', (_name, temporality) => {
  const reader = () => new Reader({ aggregationTemporalitySelector: () => temporality });

  async function collect(from: MetricReader): Promise<Record<string, Record<string, unknown>>> {
    const { resourceMetrics, errors } = await from.collect();
    expect(errors).toEqual([]);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return Object.fromEntries(
      metrics.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        Object.fromEntries(dataPoints.map(({ attributes, value }) => [Object.values(attributes).join(), value])),
      ]),
    );
  }

  it('reads what the tracker counts; a stream that ended is 0', async () => {
    const tracker = trackerWith({ cam1: 2, gone: 1 });
    const own = reader();
    const provider = new MeterProvider({ readers: [own] });
    const remove = registerOpenTelemetry(provider.getMeter('test'), tracker);
    expect(await collect(own)).toMatchObject({
      'stream_sessions.active': { 'cam1,hls,viewer': 2, 'gone,hls,viewer': 1 },
      'stream_sessions.opened': { '': 3 },
      'stream_sessions.sent_bytes': { '': 15 },
      'stream_sessions.build_info': { '0.1.0': 1 },
    });
    tracker.kickAll({ stream: 'gone' });
    watch(tracker, 'cam1', 3);
    const second = await collect(own);
    // of a sum that goes up and down, a reader of deltas is told the change
    const isDelta = temporality === AggregationTemporality.DELTA;
    expect(second['stream_sessions.active']).toEqual({
      'cam1,hls,viewer': isDelta ? 1 : 3,
      'gone,hls,viewer': isDelta ? -1 : 0,
    });
    expect(second['stream_sessions.opened']).toEqual({ '': isDelta ? 1 : 4 });
    remove();
    await collect(own);
    await provider.shutdown();
    await tracker.stop();
  });

  it('has no more sets of labels than an SDK keeps, however many streams come and go', async () => {
    const tracker = trackerWith({});
    const own = reader();
    const provider = new MeterProvider({ readers: [own] });
    registerOpenTelemetry(provider.getMeter('test'), tracker, { streams: 400 });
    const sums = { last: {} as Record<string, unknown>, ever: 0 };
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 400; i++) watch(tracker, `r${round}-${i}`, 1);
      sums.last = (await collect(own))['stream_sessions.active'] ?? {};
      sums.ever += Object.values(sums.last).reduce<number>((sum, value) => sum + (value as number), 0);
      tracker.kickAll({ kind: 'viewer' });
    }
    expect(Object.keys(sums.last).length).toBeLessThan(1_010);
    expect(Object.keys(sums.last)).not.toContain('true'); // otel.metric.overflow
    if (temporality === AggregationTemporality.CUMULATIVE) expect(sums.ever).toBe(6 * 400);
    await provider.shutdown();
    await tracker.stop();
  });
});
