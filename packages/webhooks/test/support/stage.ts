import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTracker, type SessionTracker } from '@stream-sessions/core';
import { fakeClock, type FakeClock } from '@stream-sessions/core/testing';
import { createWebhooks, type Webhooks, type WebhookEndpoint, type WebhooksOptions } from '../../src/index.js';
import { closeReceivers } from './receiver.js';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const folders: string[] = [];
const running: { webhooks: Webhooks; clock: FakeClock }[] = [];

/** A path for a journal. */
export function journalFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'stream-sessions-webhooks-'));
  folders.push(folder);
  return path.join(folder, 'journal');
}

export interface Stage {
  readonly tracker: SessionTracker;
  readonly webhooks: Webhooks;
  readonly clock: FakeClock;
  readonly journal: string;
}

/** A tracker with webhooks, on a clock that somebody has to move: their batches are written as time passes. */
export async function stage(
  endpoints: WebhookEndpoint[],
  options: Partial<WebhooksOptions> = {},
  clock = fakeClock(),
): Promise<Stage> {
  const tracker = createTracker({ autoStart: false, logger: silent, clock, deniedRetentionMs: 0 });
  const journal = options.journal ?? journalFile();
  const webhooks = await createWebhooks(tracker, {
    endpoints,
    allowPrivateNetworks: true,
    clock,
    logger: silent,
    ...options,
    journal,
  });
  running.push({ webhooks, clock });
  return { tracker, webhooks, clock, journal };
}

/** For `afterEach`. */
export async function cleanUp(): Promise<void> {
  const stopping = running.splice(0).map(({ webhooks, clock }) => {
    const stopped = webhooks.stop();
    clock.advance(2_000);
    return stopped;
  });
  await Promise.all(stopping);
  await closeReceivers();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export const watch = (tracker: SessionTracker, stream: string, n = 1) =>
  tracker.trackHttp({ stream, protocol: 'hls', ip: `203.0.113.${n}`, bytes: 1000 })!;
