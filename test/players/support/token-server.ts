import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import type { SessionTracker } from '@stream-sessions/core';
import { trackPlayback, type ViewerTokenOptions } from '@stream-sessions/express-middleware';
import { program } from './programs.js';

const CHANNEL = path.join(__dirname, '../../../examples/live-origin/dist/channel-process.js');
const PLAYERS = path.join(__dirname, '../../../examples/live-origin/package.json');

/** A request for media, and what it was answered. */
export interface Asked {
  readonly url: string;
  readonly userAgent: string;
  readonly status: number;
}

/** The example's channel below `/live`; each tracker sees it below a path of its own, so that each has viewers of its own. */
export interface TokenServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

/** @param mounts Path, tracker, and how it writes tokens. */
export async function startTokenServer(
  mounts: readonly (readonly [path: string, tracker: SessionTracker, viewerToken?: ViewerTokenOptions])[],
  publishTo: readonly string[],
): Promise<TokenServer> {
  program('ffmpeg');
  const folder = mkdtempSync(path.join(tmpdir(), 'players-test-'));
  const channel = fork(CHANNEL, [folder], { execArgv: [] });
  channel.send(publishTo);
  await once(channel, 'message'); // on air

  const asked: Asked[] = [];
  const app = express();
  app.use((req, res, next) => {
    const { originalUrl: url } = req;
    res.once('finish', () => asked.push({ url, userAgent: req.get('user-agent') ?? '', status: res.statusCode }));
    next();
  });
  for (const [mount, tracker, viewerToken] of mounts) {
    app.use(mount, trackPlayback(tracker, viewerToken === undefined ? {} : { viewerToken }), express.static(folder));
  }
  // what a player sets its clock by
  app.get('/time', (_req, res) => void res.set('Cache-Control', 'no-store').send());
  app.get('/page', (_req, res) => void res.send('<!doctype html><video muted></video>'));
  for (const [name, module] of [
    ['hls', 'hls.js/dist/hls.min.js'],
    ['dash', 'dashjs'],
  ] as const) {
    app.get(`/${name}.js`, (_req, res) => res.sendFile(require.resolve(module, { paths: [PLAYERS] })));
  }
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      channel.disconnect();
      await once(channel, 'exit'); // it removes the folder
    },
  };
}
