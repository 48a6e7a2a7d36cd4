import type { RequestListener } from 'node:http';
import { httpContract } from '@stream-sessions/core/testing';
import express from 'express';
import serveStatic from 'serve-static';
import { trackPlayback, type ConnectMiddleware } from '../src/index.js';
import { FRAMEWORKS } from './support/apps.js';
import { serve } from './support/serve.js';

/** No framework at all: handlers called by hand. */
const plainHttp = (_mount: string, ...handlers: ConnectMiddleware[]): RequestListener => {
  return (req, res) => {
    const [playback, files] = handlers;
    req.url = (req.url ?? '').replace(/^\/live/, '');
    playback?.(req, res, () => files?.(req, res, () => void res.writeHead(404).end()));
  };
};

for (const [name, mounted] of Object.entries({ ...FRAMEWORKS, 'plain http': plainHttp })) {
  httpContract({
    name,
    start: async (tracker, folder) => {
      const files = name === 'Express 5' ? express.static(folder) : (serveStatic(folder) as ConnectMiddleware);
      const { url, close } = await serve(mounted('/live', trackPlayback(tracker), files as ConnectMiddleware));
      return { url: `${url}/live`, stop: close };
    },
  });
}
