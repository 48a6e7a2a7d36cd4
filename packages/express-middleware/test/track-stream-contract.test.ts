import { get, type IncomingMessage } from 'node:http';
import { transportContract } from '@stream-sessions/core/testing';
import express from 'express';
import { trackStream } from '../src/index.js';
import { serve } from './support/serve.js';

transportContract({
  name: 'trackStream() in Express',
  protocol: 'sse',
  skip: [{ case: 'lists a publisher as an input, and counts what it sends', reason: 'a response has viewers only' }],
  async start(tracker) {
    const app = express();
    const middleware = trackStream(tracker, {
      stream: (req: express.Request) => String(req.params.code),
      protocol: 'sse',
    });
    app.get('/events/:code', middleware, (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      const timer = setInterval(() => res.write(`data: ${'x'.repeat(1_000)}\n\n`), 10);
      res.on('close', () => clearInterval(timer));
    });
    const { url, close } = await serve(app);
    return {
      play({ stream, token, userAgent = 'a test' }) {
        let received = 0;
        let status: number | undefined;
        const request = get(`${url}/events/${stream}${token ? `?token=${token}` : ''}`, {
          headers: { 'user-agent': userAgent },
          agent: false,
        });
        const ended = new Promise<void>((resolve) => {
          request.on('error', () => resolve());
          request.on('close', () => resolve());
          request.on('response', (response: IncomingMessage) => {
            status = response.statusCode;
            response.on('data', (data: Buffer) => (received += status === 200 ? data.length : 0));
            response.on('error', () => undefined).on('close', () => resolve());
          });
        });
        return { received: () => received, ended, drop: () => void request.destroy(), refusal: () => status };
      },
      detach: () => middleware.detach(),
      stop: close,
    };
  },
});
