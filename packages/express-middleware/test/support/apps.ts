import type { RequestListener } from 'node:http';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import type { ConnectMiddleware } from '../../src/index.js';

/** Frameworks a Connect-style middleware has to work in, each as "mount these handlers there". */
export const FRAMEWORKS: Record<string, (mount: string, ...handlers: ConnectMiddleware[]) => RequestListener> = {
  'Express 5': (mount, ...handlers) => {
    const app = express();
    for (const handler of handlers) app.use(mount, handler);
    return app;
  },
  'Express 4': (mount, ...handlers) => {
    const app = express4();
    for (const handler of handlers) app.use(mount, handler as never);
    return app;
  },
  connect: (mount, ...handlers) => {
    const app = connect();
    for (const handler of handlers) app.use(mount, handler as never);
    return app;
  },
};
