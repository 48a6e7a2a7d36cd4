import { spawnSync } from 'node:child_process';
import path from 'node:path';

describe('stop(), when nothing else keeps the process alive', () => {
  it.each([
    ['is tried again', 'if (++tries < 3) throw new Error();', { retry: { tries: 3, delayMs: 20 } }],
    ['hangs, up to its time limit', 'await new Promise(() => {});', {}],
  ])('waits for a sink that %s', (_what, write, options) => {
    const script = `
      const { createTracker } = require(process.argv[1]);
      const tracker = createTracker({ logger: { debug() {}, info() {}, warn() {}, error() {} } });
      let tries = 0;
      tracker.addSink({ name: 'a', async write() { ${write} } }, ${JSON.stringify(options)});
      tracker.trackHttp({ stream: 'cam1', protocol: 'hls', ip: '203.0.113.7' });
      tracker.stop({ timeoutMs: 500 }).then(() => console.log('stopped', tracker.stats().droppedEventsTotal));`;
    const core = path.join(__dirname, '../dist/index.js');
    const child = spawnSync(process.execPath, ['-e', script, core], { encoding: 'utf8' });
    expect(child.stdout + child.stderr).toBe('stopped 0\n');
  });
});
