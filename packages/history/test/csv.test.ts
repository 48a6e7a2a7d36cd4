import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type History, historyApi, type Visit } from '@stream-sessions/history';

const visit: Visit = {
  ...{ id: 'id', stream: 'cam1', kind: 'viewer', protocol: 'hls', protocols: ['hls'], userName: 'ann', player: 'VLC' },
  ...{ openedAt: 0, endedAt: 1_000, durationMs: 1_000, bytes: 0, bytesReceived: 0, secure: true, dvr: false, tags: {} },
} as unknown as Visit;

/** The User-Agent's cell of an export. */
async function cellOf(userAgent: string): Promise<string> {
  async function* exportVisits() {
    yield { ...visit, userAgent };
  }
  const api = historyApi({ exportVisits } as unknown as History, { authorize: () => true });
  const server = createServer((req, res) => api(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/visits.csv`);
  const csv = await response.text();
  server.close();
  return csv.slice(csv.indexOf(',ann,') + ',ann,'.length, csv.indexOf(',VLC,'));
}

it.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(1)', "'@SUM(1)"],
  ['\t=1', "'\t=1"],
  ['\n=1', `"'\n=1"`],
  ['  =1', "'  =1"],
  ['\u00a0=1', "'\u00a0=1"],
  ['＝1+1', "'＝1+1"],
  ['＋1', "'＋1"],
  ['－1', "'－1"],
  ['＠SUM(1)', "'＠SUM(1)"],
])('in CSV, the text %j is none that a spreadsheet takes for a formula', async (text, cell) => {
  expect(await cellOf(text)).toBe(cell);
});

it.each(['VLC/3.0.20', ' a=1', 'a\u00a0+ b'])('in CSV, the text %j is as it was', async (text) => {
  expect(await cellOf(text)).toBe(text);
});
