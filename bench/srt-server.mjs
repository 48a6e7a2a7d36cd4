/** The SRT relay with a tracker, for srt.bench.mjs. Tells its CPU time and what it has given up when asked. */
import { performance } from 'node:perf_hooks';
import { createTracker } from '@stream-sessions/core';
import { createSrtServer } from '@stream-sessions/srt-adapter';

const tracker = createTracker();
const server = createSrtServer({ tracker, host: '127.0.0.1', port: 0 });

process.on('message', () => {
  const dropped = server.connections().reduce((sum, one) => sum + (one.statistics()?.packetsDropped ?? 0), 0);
  const { active, idle } = performance.eventLoopUtilization();
  const viewers = tracker.count({ kind: 'viewer', status: 'active' });
  process.send({ cpu: process.cpuUsage(), rss: process.memoryUsage().rss, active, idle, dropped, viewers });
});
process.on('disconnect', () => server.close().then(() => tracker.stop()));
process.send({ port: server.port });
