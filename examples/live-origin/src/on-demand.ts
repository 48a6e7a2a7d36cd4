import type { SessionTracker, SourceGate } from '@stream-sessions/core';
import { createSources, customDriver } from '@stream-sessions/on-demand';
import type { Channel } from './channel.js';
import { hasFfmpeg } from './ffmpeg.js';
import { STREAM } from './transports/transport.js';

/** A channel that is encoded while somebody watches, and what holds viewers until it is on air. */
export interface SleepingChannel {
  readonly channel: Channel;
  readonly ready?: SourceGate;
}

/** ON_DEMAND: puts the channel on air with its first viewer, and takes it off SLEEP_AFTER seconds (60) after the last. */
export function onDemand(channel: Channel, tracker: SessionTracker): SleepingChannel {
  if (!process.env.ON_DEMAND || !hasFfmpeg()) return { channel }; // the sample costs nothing
  let publishTo: readonly string[] = [];
  const driver = customDriver({
    name: 'channel',
    async start() {
      channel.putOnAir(publishTo);
      await channel.onAir;
    },
    stop: () => channel.takeOffAir(),
  });
  const { ready } = createSources(tracker, {
    sources: [{ pattern: STREAM, driver }],
    hibernateAfterMs: Number(process.env.SLEEP_AFTER || 60) * 1000,
    // it is on air when players find some segments, not one
    ...{ startTimeoutMs: 30_000, holdMs: 20_000 },
  });
  tracker.on('source', ({ stream, change, detail = '' }) => console.log(`${stream}: ${change} ${detail}`.trim()));
  const asleep = {
    putOnAir: (urls: readonly string[]) => void (publishTo = urls),
    onAir: Promise.resolve('ffmpeg' as const),
  };
  return { channel: { ...channel, ...asleep }, ready };
}
