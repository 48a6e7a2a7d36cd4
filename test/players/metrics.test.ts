import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dispose, startLiveOrigin, type LiveOrigin } from './support/live-origin.js';
import { program } from './support/programs.js';
import { until } from './support/until.js';
import { freePort } from '../support/free-port.js';

const DOCS = path.join(__dirname, '../../docs/metrics');

describe('a real Prometheus at the live origin', () => {
  let origin: LiveOrigin | undefined;
  let prometheus: ChildProcess | undefined;
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'players-test-prometheus-'));
  });

  afterEach(async () => {
    if (prometheus?.kill('SIGKILL')) await once(prometheus, 'exit');
    await dispose(origin);
    prometheus = origin = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  it('scrapes OpenMetrics, knows types and units, and can evaluate every expression of dashboard and alerts', async () => {
    origin = await startLiveOrigin();
    const { host } = new URL(origin.url);
    await fetch(`http://${host}/live/demo/ts/master.m3u8`);
    const config = path.join(folder, 'prometheus.yml');
    writeFileSync(
      config,
      JSON.stringify({
        global: { scrape_interval: '1s' },
        scrape_configs: [{ job_name: 'origin', static_configs: [{ targets: [host] }] }],
        rule_files: [path.join(DOCS, 'alerts.yml')],
      }),
    );
    const port = await freePort();
    prometheus = spawn(
      program('prometheus'),
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const ask = async (where: string): Promise<any> => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${where}`);
      return ((await response.json()) as { data: unknown }).data;
    };
    const query = async (expr: string): Promise<any[]> => (await ask(`query?query=${encodeURIComponent(expr)}`)).result;

    const viewers = 'stream_sessions_active{stream="demo",protocol="hls",kind="viewer"}';
    const value = await until<unknown>(
      'it has scraped',
      async () => (await query(viewers).catch(() => []))[0]?.value[1],
    );
    expect(value).toBe('1');
    expect((await query('stream_sessions_opened_total'))[0].value[1]).toMatch(/^[1-9]/);

    // text that is not OpenMetrics has no units, and no type `info`
    const metadata = await ask('metadata');
    expect(metadata.stream_sessions_sent_bytes).toEqual([
      { type: 'counter', unit: 'bytes', help: expect.stringContaining('sent') },
    ]);
    expect(metadata.stream_sessions_build).toEqual([expect.objectContaining({ type: 'info' })]);

    const { groups } = await ask('rules');
    expect(groups[0].rules.map(({ lastError }: { lastError?: string }) => lastError)).toEqual(Array(4).fill(undefined));
    const dashboard = JSON.parse(readFileSync(path.join(DOCS, 'grafana.json'), 'utf8'));
    const expressions: string[] = dashboard.panels.flatMap(({ targets }: any) => targets.map(({ expr }: any) => expr));
    expect(expressions.length).toBeGreaterThan(10);
    for (const expression of expressions) {
      const asked = expression.replaceAll('$job', '.*').replaceAll('$__rate_interval', '1m');
      expect([asked, Array.isArray(await query(asked))]).toEqual([asked, true]);
      for (const [name] of asked.matchAll(/stream_sessions_\w+/g)) {
        const base = name.replace(/_(?:total|sum|count)$/, '');
        expect([name, Object.keys(metadata)]).toEqual([name, expect.arrayContaining([base])]);
      }
    }
  });
});

it('promtool finds nothing wrong in the alert rules', () => {
  const said = execFileSync(program('promtool'), ['check', 'rules', path.join(DOCS, 'alerts.yml')], {
    encoding: 'utf8',
  });
  expect(said).toContain('SUCCESS: 4 rules found');
});
