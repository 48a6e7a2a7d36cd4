/**
 * Tells of viewers who come and go until it is killed: JOURNAL, URL, and how many EVENTS at most. Says `done` when all of
 * them have arrived.
 */
import { createTracker } from '@stream-sessions/core';
import { createWebhooks } from '@stream-sessions/webhooks';

const { JOURNAL, URL: url, EVENTS } = process.env;
const tracker = createTracker({ deniedRetentionMs: 0 });
const webhooks = await createWebhooks(tracker, {
  endpoints: [{ url, name: 'ledger' }],
  journal: JOURNAL,
  retryScheduleMs: Array.from({ length: 50 }, () => 10),
  allowPrivateNetworks: true,
});
let left = Number(EVENTS);
let n = 0;
const live = [];
while (left > 0) {
  for (let i = 0; i < 3; i++, left -= 2) {
    const hit = { stream: `cam${n % 7}`, protocol: 'srt', remoteAddress: `10.0.0.1:${1000 + (n % 60_000)}` };
    live.push(tracker.openConn(hit).closer);
    n++;
  }
  while (live.length > 20) live.shift().close('client_gone');
  await new Promise((resolve) => setTimeout(resolve, 4));
}
for (const closer of live) closer.close('client_gone');
while (webhooks.endpoints()[0].queued > 0) await new Promise((resolve) => setTimeout(resolve, 20));
// what was written last may still be on its way to the queue
await new Promise((resolve) => setTimeout(resolve, 100));
while (webhooks.endpoints()[0].queued > 0) await new Promise((resolve) => setTimeout(resolve, 20));
await webhooks.stop();
console.log('done');
