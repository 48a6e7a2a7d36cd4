import type { LookupAddress } from 'node:dns';
import { createTracker } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { until } from '../../../test/support/until.js';
import { start } from '../src/create-webhooks.js';
import { isPublic, type Lookup } from '../src/delivery/public-address.js';
import type { Webhooks } from '../src/index.js';
import { receiver } from './support/receiver.js';
import { cleanUp, journalFile, silent } from './support/stage.js';

afterEach(cleanUp);

it.each(['8.8.8.8', '2606:4700:4700::1111', '::ffff:8.8.8.8', '[2606:4700:4700::1111]'])('%s is public', (address) => {
  expect(isPublic(address)).toBe(true);
});

it.each([
  ['this machine', '127.0.0.1', '127.255.0.1', '::1', '0.0.0.0', '::'],
  ['a private network', '10.0.0.1', '172.16.0.1', '192.168.1.1', 'fc00::1', 'fd00:ec2::254', 'fec0::1'],
  ['a link', '169.254.169.254', 'fe80::1', 'fe80::1%eth0'],
  ['a cloud for its machines', '168.63.129.16', '::ffff:168.63.129.16', '100.100.100.200', '192.0.0.192'],
  ['a carrier', '100.64.0.1'],
  ['IPv4 in IPv6', '::ffff:10.0.0.1', '::ffff:7f00:1', '::10.0.0.1', '::a00:1', '::ffff:0:10.0.0.1'],
  ['NAT64', '64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::a00:1'],
  ['6to4 and Teredo', '2002:a00:1::', '2001::1'],
  ['nobody', '192.0.2.1', '198.18.0.1', '203.0.113.1', '2001:db8::1', '100::1', '240.0.0.1'],
  ['not of the internet yet', '1::1', '4000::1', '::1:0:0'],
  ['many', '224.0.0.1', '255.255.255.255', 'ff02::1'],
  ['nothing', '', 'example.com', '0x7f.1'],
])('%s is not public', (_what, ...addresses) => {
  expect(addresses.filter(isPublic)).toEqual([]);
});

describe('the name of an endpoint', () => {
  const open: Webhooks[] = [];
  afterEach(async () => void (await Promise.all(open.splice(0).map((webhooks) => webhooks.stop()))));

  /** A resolver whose answers come in turns. */
  async function testOf(url: string, ...answers: string[][]) {
    let asked = 0;
    const ask: Lookup = (_name, _options, answer) => {
      const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
      const found: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      setImmediate(() => answer(null, found));
    };
    const options = { endpoints: [{ url, name: 'hook' }], journal: journalFile(), logger: silent, clock: fakeClock() };
    const webhooks = await start(createTracker({ autoStart: false }), options, ask);
    open.push(webhooks);
    return { webhooks, asked: () => asked };
  }

  it('that resolves to this machine is not connected to, nor one that also resolves to it', async () => {
    const to = await receiver();
    const { port } = new URL(to.url);
    for (const addresses of [['127.0.0.1'], ['::ffff:127.0.0.1'], ['10.0.0.1', '169.254.169.254']]) {
      const { webhooks } = await testOf(`http://example.com:${port}/`, addresses);
      expect((await webhooks.test('hook'))?.error).toContain('is not a public address');
    }
    expect(to.received).toEqual([]);
  });

  it('is judged by the very address that is connected to, however often it changes', async () => {
    const to = await receiver();
    const { port } = new URL(to.url);
    const { webhooks, asked } = await testOf(`http://rebind.example.com:${port}/`, ['127.0.0.1'], ['127.0.0.1']);
    for (let i = 0; i < 3; i++) expect((await webhooks.test('hook'))?.error).toContain('is not a public address');
    // asked once for each connection, and never in advance
    expect(asked()).toBe(3);
    expect(to.received).toEqual([]);
  });

  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
  ])('%s cannot be the address of an endpoint', async (url) => {
    const { webhooks } = await testOf(url);
    expect((await webhooks.test('hook'))?.error).toContain('is not a public address');
  });

  it('is not resolved by a proxy', async () => {
    const proxy = await receiver();
    const saved = { ...process.env };
    Object.assign(process.env, {
      HTTP_PROXY: proxy.url,
      http_proxy: proxy.url,
      ALL_PROXY: proxy.url,
      NODE_USE_ENV_PROXY: '1',
    });
    const { webhooks } = await testOf('http://example.com/', ['127.0.0.1']);
    expect((await webhooks.test('hook'))?.error).toContain('is not a public address');
    process.env = saved;
    expect(proxy.received).toEqual([]);
  });

  it('may resolve to this machine if that is allowed', async () => {
    const to = await receiver();
    const options = { endpoints: [{ url: to.url, name: 'hook' }], journal: journalFile(), logger: silent };
    const webhooks = await start(createTracker({ autoStart: false }), { ...options, allowPrivateNetworks: true });
    open.push(webhooks);
    expect(await webhooks.test('hook')).toEqual({ status: 204 });
    await until('it is there', () => to.types().join() === 'webhook.test');
    expect(await webhooks.test('nobody')).toBeUndefined();
  });
});
