import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { createTracker, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { trackPlayback } from '@stream-sessions/express-middleware';
import { program } from './programs.js';

const CHANNEL = path.join(__dirname, '../../../examples/live-origin/dist/channel-process.js');

export interface TestServer {
  readonly url: string;
  readonly tracker: SessionTracker;
  stop(): Promise<void>;
}

/** The example's channel behind a tracker with other options, in this process, so that a test sees its events. */
export async function startTestServer(options: TrackerOptions): Promise<TestServer> {
  program('ffmpeg');
  const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  const channel = fork(CHANNEL, [folder], { execArgv: [] });
  channel.send([]); // it is published nowhere else
  await once(channel, 'message'); // on air

  const tracker = createTracker(options);
  const server = express().use('/live', trackPlayback(tracker), express.static(folder)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    tracker,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await tracker.stop();
      channel.disconnect();
      await once(channel, 'exit'); // it removes the folder
    },
  };
}
