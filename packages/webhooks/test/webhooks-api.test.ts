import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../../test/support/until.js';
import { webhooksApi, type WebhooksApiOptions } from '../src/index.js';
import { receiver } from './support/receiver.js';
import { cleanUp, stage, type Stage, watch } from './support/stage.js';

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await cleanUp();
});

async function api({ webhooks }: Stage, authorize: WebhooksApiOptions['authorize'] = () => true) {
  server = createServer(webhooksApi(webhooks, { authorize })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async (method: string, path: string) => {
    const response = await fetch(`${url}${path}`, { method });
    const text = await response.text();
    const allow = response.headers.get('allow');
    return { status: response.status, allow, body: text === '' ? undefined : JSON.parse(text) };
  };
}

it('the API shows endpoints, their queues and errors, and no secret of a URL', async () => {
  const to = await receiver();
  to.answer = (res) => res.writeHead(500).end();
  const staged = await stage([{ url: `${to.url}/T000/secret`, format: 'standard' }]);
  watch(staged.tracker, 'cam1');
  staged.clock.advance(50);
  await until('it failed', () => staged.webhooks.endpoints()[0]!.failed === 1);
  const ask = await api(staged);
  const { host } = new URL(to.url);
  const { body } = await ask('GET', '/endpoints?x=1');
  expect(body).toEqual({
    endpoints: [
      {
        name: expect.stringMatching(new RegExp(`^${host}-[0-9a-f]{8}$`)),
        host,
        format: 'standard',
        disabled: false,
        queued: 1,
        delivered_total: 0,
        failed_total: 1,
        last_error: { at: expect.any(String), message: 'answered 500' },
      },
    ],
    dropped_total: 0,
  });
  expect(JSON.stringify(body)).not.toContain('secret');
});

it('the API lists dead letters, sends them again, tests and enables endpoints', async () => {
  const to = await receiver();
  to.answer = (res) => res.writeHead(500).end();
  const staged = await stage([{ url: to.url, name: 'hook' }], { retryScheduleMs: [] });
  watch(staged.tracker, 'cam1');
  staged.clock.advance(50);
  await until('it is given up', () => staged.webhooks.deadLetters().length === 1);
  const ask = await api(staged);
  const { body } = await ask('GET', '/dead-letters');
  const [letter] = body.dead_letters;
  expect(letter).toMatchObject({ endpoint: 'hook', type: 'session.opened', error: 'answered 500' });
  expect(await ask('POST', '/endpoints/hook/test')).toMatchObject({
    status: 200,
    body: { ok: false, status: 500, error: 'answered 500' },
  });
  to.answer = (res) => res.writeHead(204).end();
  expect((await ask('POST', `/dead-letters/${letter.id}/resend`)).status).toBe(204);
  await to.until(3);
  expect(to.received.at(-1)!.headers['webhook-id']).toBe(letter.id);
  expect((await ask('POST', '/endpoints/hook/enable')).status).toBe(204);
  const statuses = ['/endpoints/x/enable', '/endpoints/x/test', '/dead-letters/x/resend', '/x'].map((path) =>
    ask('POST', path),
  );
  expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  expect(await ask('DELETE', '/endpoints')).toMatchObject({ status: 405, allow: 'GET, HEAD' });
  expect(await ask('GET', '/endpoints/hook/test')).toMatchObject({ status: 405, allow: 'POST' });
  expect(await ask('HEAD', '/endpoints')).toMatchObject({ status: 200, body: undefined });
});

it('the API admits callers that `authorize` admits, and has no default', async () => {
  const staged = await stage([]);
  expect(() => webhooksApi(staged.webhooks, {} as never)).toThrow('authorize must be a function');
  const ask = await api(staged, (req, action) => {
    if (req.url?.includes('dead')) throw Object.assign(new Error('who?'), { status: 401 });
    if (req.url?.includes('test')) throw new Error('password s3cret');
    return action === 'read';
  });
  expect((await ask('GET', '/endpoints')).status).toBe(200);
  expect((await ask('POST', '/endpoints/x/enable')).status).toBe(403);
  expect((await ask('GET', '/dead-letters')).status).toBe(401);
  const failed = await ask('POST', '/endpoints/x/test');
  expect([failed.status, JSON.stringify(failed.body)]).toEqual([500, expect.not.stringContaining('s3cret')]);
});
