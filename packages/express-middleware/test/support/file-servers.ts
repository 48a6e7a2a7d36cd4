import fs from 'node:fs';
import path from 'node:path';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import parseurl from 'parseurl';
import send from 'send';
import serveStatic from 'serve-static';
import type { ConnectMiddleware } from '../../src/index.js';

type MakeServer = (guard: ConnectMiddleware, folder: string) => RequestListener;
type Stream = { pipe(res: ServerResponse): void };

/** What people write who need no framework: a function from the target to the path of a file. */
const plain =
  (pathOf: (target: string) => string): MakeServer =>
  (guard, folder) =>
  (req, res) =>
    guard(req, res, () => {
      const gone = () => void res.writeHead(404).end();
      try {
        const file = fs.createReadStream(path.join(folder, pathOf(req.url ?? '')));
        file.on('error', gone).on('open', () => file.pipe(res));
      } catch {
        gone();
      }
    });

const withParameters =
  (make: typeof express, mount: string): MakeServer =>
  (guard, folder) => {
    const app = make();
    app.use(mount, guard);
    app.get(`${mount}/:stream/:file`.replace('//', '/'), (req, res) => {
      res.sendFile(req.params.file as string, { root: path.join(folder, req.params.stream as string) });
    });
    app.get(`${mount}/:file`.replace('//', '/'), (req, res) =>
      res.sendFile(req.params.file as string, { root: folder }),
    );
    return app;
  };

/** Ways to serve a folder of media, and where each has its guard. */
export const FILE_SERVERS: Record<string, { readonly mount: string; readonly make: MakeServer }> = {
  'Express 5 static': { mount: '', make: (guard, folder) => express().use(guard, express.static(folder)) },
  'Express 4 static': { mount: '', make: (guard, folder) => express4().use(guard, express4.static(folder)) },
  'Express 5 static at a mount': {
    mount: '/media',
    make: (guard, folder) => express().use('/media', guard, express.static(folder)),
  },
  'Express 4 static at a mount': {
    mount: '/media',
    make: (guard, folder) => express4().use('/media', guard, express4.static(folder)),
  },
  'Express 5 sendFile': { mount: '', make: withParameters(express, '/') },
  'Express 4 sendFile': { mount: '', make: withParameters(express4, '/') },
  'Express 5 sendFile of the whole path': {
    mount: '',
    make: (guard, folder) =>
      express().use(guard, (req, res) => res.sendFile(decodeURIComponent(req.path), { root: folder })),
  },
  'connect and serve-static': {
    mount: '',
    make: (guard, folder) =>
      connect()
        .use(guard as never)
        .use(serveStatic(folder) as never),
  },
  'connect and serve-static at a mount': {
    mount: '/media',
    make: (guard, folder) =>
      connect()
        .use('/media', guard as never)
        .use('/media', serveStatic(folder) as never),
  },
  'send in plain http': {
    mount: '',
    make: (guard, folder) => (req, res) =>
      guard(req, res, () => (send(req, parseurl(req)?.pathname ?? '', { root: folder }) as Stream).pipe(res)),
  },
  'send that decodes what the router has decoded': {
    mount: '',
    make: (guard, folder) => {
      const app = express();
      app.use(guard);
      app.get('/:stream/:file', (req: IncomingMessage & { params: Record<string, string> }, res: ServerResponse) => {
        (send(req, `/${req.params.stream}/${req.params.file}`, { root: folder }) as Stream).pipe(res);
      });
      return app;
    },
  },
  'plain http with new URL()': {
    mount: '',
    make: plain((target) => decodeURIComponent(new URL(target, 'http://h').pathname)),
  },
  'plain http that cuts the query off': {
    mount: '',
    make: plain((target) => decodeURIComponent(target.split('?', 1)[0] ?? '')),
  },
  'plain http that decodes before it cuts': {
    mount: '',
    make: plain((target) => decodeURIComponent(target).split('?', 1)[0] ?? ''),
  },
  'plain http that does not decode': { mount: '', make: plain((target) => target.split('?', 1)[0] ?? '') },
};
