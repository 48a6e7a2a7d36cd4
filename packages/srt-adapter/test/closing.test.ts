import { createSrtServer } from '../src/index.js';

it('a server is closed, and its port free, although a listener of its closing throws', async () => {
  const server = createSrtServer({ port: 0, host: '127.0.0.1' });
  const { port } = server;
  server.on('closing', () => {
    throw new Error('a bug of the app');
  });
  await expect(server.close()).rejects.toThrow('a bug of the app');
  const next = createSrtServer({ port, host: '127.0.0.1' });
  await next.close();
});
