import { execFileSync } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { StreamSessionsError } from '@stream-sessions/core';
import { metricsHandler } from '@stream-sessions/metrics';
import { closeServers, serve } from './support/serve.js';
import { trackerWith, watch } from './support/tracker.js';

afterEach(closeServers);

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

async function scrape(...args: Parameters<typeof metricsHandler>): Promise<string> {
  const url = await serve(metricsHandler(...args));
  return (await fetch(url)).text();
}

const linesOf = (text: string, name: string): string[] => text.split('\n').filter((line) => line.startsWith(name));

describe('the text form', () => {
  it('has what the tracker counts', async () => {
    const tracker = trackerWith({ cam1: 2, cam2: 1 });
    tracker.addSink({ name: 'history', write: () => undefined });
    tracker.updateConfig({
      policies: [
        { name: 'gate', stage: 'custom', admit: ({ userId }) => (userId ? { allow: true } : no('no_ticket')) },
      ],
    });
    expect(tracker.admit({ stream: 'cam1', protocol: 'rtmp', remoteAddress: '10.9.9.9' })).toMatchObject({
      admitted: false,
    });
    tracker.kick(tracker.list({ stream: 'cam2' })[0]!.id);
    const text = await scrape(tracker);
    const values = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(values).toEqual(
      expect.arrayContaining([
        'stream_sessions_active{stream="cam1",protocol="hls",kind="viewer"} 2',
        'stream_sessions_opened_total 3',
        'stream_sessions_closed_total{reason="kicked"} 1',
        'stream_sessions_denied_total{reason="no_ticket"} 1',
        'stream_sessions_sent_bytes_total 15',
        'stream_sessions_received_bytes_total 0',
        'stream_sessions_watch_seconds_total 0',
        'stream_sessions_handovers_total 0',
        'stream_sessions_sink_queue_length{sink="history"} 0',
        'stream_sessions_sink_dropped_total{sink="history"} 0',
        'stream_sessions_policy_seconds_count{policy="gate"} 1',
        'stream_sessions_build_info{version="0.1.0"} 1',
      ]),
    );
    expect(text).toMatch(/^stream_sessions_policy_seconds_sum\{policy="gate"\} [\d.e-]+$/m);
    await tracker.stop();
  });

  it('passes the check of promtool without a complaint', async () => {
    const tracker = trackerWith({ cam1: 1, 'a"b\\c\nd': 1 });
    const text = await scrape(tracker);
    expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
    await tracker.stop();
  });

  it('contains no personal data: no address, agent, user or id', async () => {
    const tracker = trackerWith({ cam1: 1 });
    const [session] = tracker.list();
    const text = await scrape(tracker);
    for (const secret of [session!.id, session!.ip, 'secret-agent', session!.userName])
      expect(text).not.toContain(secret);
    await tracker.stop();
  });

  it('escapes stream names, and leaves out names that cannot be written', async () => {
    const tracker = trackerWith({ 'a"} 1\nb\\': 1, 'nul\0lone\ud800': 1, 'nul\u0001lone\ud801': 1 });
    const lines = linesOf(await scrape(tracker), 'stream_sessions_active');
    expect(lines.sort()).toEqual([
      'stream_sessions_active{stream="a\\"} 1\\nb\\\\",protocol="hls",kind="viewer"} 1',
      'stream_sessions_active{stream="nul\ufffdlone\ufffd",protocol="hls",kind="viewer"} 2',
    ]);
    await tracker.stop();
  });

  it('names the largest streams, and adds the rest to `other`, even if a stream has that name', async () => {
    const tracker = trackerWith({ big: 4, other: 3, a: 2, z: 2, small: 1 });
    const lines = linesOf(await scrape(tracker, { streams: 3 }), 'stream_sessions_active');
    expect(lines.sort()).toEqual([
      'stream_sessions_active{stream="a",protocol="hls",kind="viewer"} 2',
      'stream_sessions_active{stream="big",protocol="hls",kind="viewer"} 4',
      'stream_sessions_active{stream="other",protocol="hls",kind="viewer"} 6',
    ]);
    await tracker.stop();
  });

  it('names no streams with streams: false', async () => {
    const tracker = trackerWith({ a: 2, b: 3 });
    const lines = linesOf(await scrape(tracker, { streams: false }), 'stream_sessions_active');
    expect(lines).toEqual(['stream_sessions_active{protocol="hls",kind="viewer"} 5']);
    await tracker.stop();
  });

  it('forgets a stream that ended', async () => {
    const tracker = trackerWith({ gone: 1, cam1: 1 });
    const url = await serve(metricsHandler(tracker));
    expect(await (await fetch(url)).text()).toContain('stream="gone"');
    tracker.kickAll({ stream: 'gone' });
    const text = await (await fetch(url)).text();
    expect(text).not.toContain('gone');
    expect(text).toContain('stream="cam1"');
    await tracker.stop();
  });

  it('merges sinks of the same name', async () => {
    const tracker = trackerWith({});
    for (let i = 0; i < 2; i++) tracker.addSink({ name: 'twin', write: () => new Promise(() => undefined) });
    watch(tracker, 'cam1', 1);
    await setImmediate(); // each takes that one
    watch(tracker, 'cam2', 1);
    expect(linesOf(await scrape(tracker), 'stream_sessions_sink_queue')).toEqual([
      'stream_sessions_sink_queue_length{sink="twin"} 2',
    ]);
    await tracker.stop({ timeoutMs: 0 });
  });
});

describe('the handler', () => {
  it.each([
    ['Prometheus 2', OPENMETRICS],
    [
      'Prometheus 3',
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3',
    ],
  ])('answers %s in OpenMetrics', async (_who, accept) => {
    const tracker = trackerWith({ cam1: 1 });
    const url = await serve(metricsHandler(tracker));
    const response = await fetch(url, { headers: { accept } });
    expect(response.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const text = await response.text();
    expect(text).toContain('# TYPE stream_sessions_opened counter\n');
    expect(text).toContain('# TYPE stream_sessions_build info\n');
    expect(text).toContain('# UNIT stream_sessions_sent_bytes bytes\n');
    expect(text).toContain('\nstream_sessions_opened_total 1\n');
    expect(text).toMatch(/\n# EOF\n$/);
    await tracker.stop();
  });

  it.each([undefined, '*/*', 'text/html', 'text/plain'])('answers %s in plain text', async (accept) => {
    const tracker = trackerWith({});
    const url = await serve(metricsHandler(tracker));
    const response = await fetch(url, accept === undefined ? {} : { headers: { accept } });
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain('# TYPE stream_sessions_opened_total counter\n');
    await tracker.stop();
  });

  it('admits callers that `authorize` admits', async () => {
    const tracker = trackerWith({});
    const authorize = jest.fn<boolean | Promise<boolean>, []>(() => true);
    const url = await serve(metricsHandler(tracker, { authorize }));
    expect((await fetch(url)).status).toBe(200);
    authorize.mockImplementation(async () => false);
    expect((await fetch(url)).status).toBe(403);
    for (const status of [401, 403]) {
      authorize.mockImplementation(() => {
        throw Object.assign(new Error('not here'), { status });
      });
      expect((await fetch(url)).status).toBe(status);
    }
    authorize.mockImplementation(() => {
      throw new Error('secret');
    });
    const failed = await fetch(url);
    expect([failed.status, await failed.text()]).toEqual([500, 'Internal server error.\n']);
    await tracker.stop();
  });

  it('answers HEAD without a body, and other methods with 405', async () => {
    const tracker = trackerWith({});
    const url = await serve(metricsHandler(tracker));
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    await tracker.stop();
  });

  it('awaits a directory that answers later', async () => {
    const tracker = trackerWith({ cam1: 1 });
    const later = Object.create(tracker, { stats: { value: async () => tracker.stats() } }) as typeof tracker;
    expect(await scrape(later)).toContain('stream_sessions_opened_total 1\n');
    await tracker.stop();
  });

  it.each(['ERR_CLUSTER_ALONE', 'ERR_CLUSTER_LINK'])(
    'answers 503 while a cluster cannot be asked: %s',
    async (code) => {
      const tracker = trackerWith({});
      const stats = () => Promise.reject(new StreamSessionsError(code, 'redis.internal does not answer'));
      const alone = Object.create(tracker, { stats: { value: stats } }) as typeof tracker;
      const response = await fetch(await serve(metricsHandler(alone)));
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await response.text()).toBe('The cluster cannot be reached now. Try again.\n');
      await tracker.stop();
    },
  );

  it('refuses unknown options', async () => {
    const tracker = trackerWith({});
    expect(() => metricsHandler(tracker, { stream: 1 } as never)).toThrow('Did you mean "streams"?');
    expect(() => metricsHandler(tracker, { streams: 0 })).toThrow(
      'streams must be a positive integer or false, not 0.',
    );
    expect(() => metricsHandler({} as never)).toThrow('must be a tracker');
    await tracker.stop();
  });
});

const no = (reason: string) => ({ allow: false as const, kind: 'forbidden' as const, reason });
