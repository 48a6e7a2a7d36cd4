// one of several processes that would decide about sources: does what it is told by messages
import { createTracker } from '@stream-sessions/core';
import { createSources, fileLease, processDriver } from '@stream-sessions/on-demand';

const [folder] = process.argv.slice(2);
const lease = fileLease(folder);
let sources;
let tracker;

const verbs = {
  acquire: () => lease.acquire(),
  held: () => lease.held(),
  release: () => lease.release(),
  share: (ours) => lease.share(ours),
  /** Sources of processes, and a viewer that stays. */
  watch: (command, stream) => {
    tracker = createTracker();
    const driver = processDriver({ command });
    sources = createSources(tracker, { sources: [{ pattern: stream, driver }], lease, checkIntervalMs: 50 });
    tracker.openConn({ stream, protocol: 'rtmp', remoteAddress: '203.0.113.7', keepMs: 600_000 });
  },
  decides: () => sources.decides,
  state: (stream) => sources.state(stream),
};

process.on('message', async ({ id, verb, args }) => {
  try {
    process.send({ id, answer: await verbs[verb](...args) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.on('disconnect', () => process.exit());
