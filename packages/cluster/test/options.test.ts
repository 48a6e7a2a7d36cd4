import os from 'node:os';
import { createTracker } from '@stream-sessions/core';
import { joinCluster, type ClusterLink } from '../src/index.js';
import { SILENT } from './support/nodes.js';

const closed = (): Promise<never> => Promise.reject(Object.assign(new Error('closed'), { code: 'ERR_CLUSTER_CONFIG' }));
const via: ClusterLink = { run: closed, follow: closed, close: () => Promise.resolve() };

function join(options: object, link: ClusterLink = via): Promise<unknown> {
  const tracker = createTracker({ fingerprintKey: 'of the test', logger: SILENT, autoStart: false });
  return joinCluster(tracker, { via: link, logger: SILENT, ...options });
}

it.each<[string, unknown]>([
  ['via', { run: closed }],
  ['via', null],
  ['name', ''],
  ['name', 'x'.repeat(65)],
  ['leaseMs', Infinity],
  ['leaseMs', 1e12],
  ['leaseMs', 999],
  ['leaseMs', '20000'],
  ['timeLimitMs', '250'],
  ['timeLimitMs', NaN],
  ['logger', null],
  ['logger', { warn: () => undefined }],
  ['clock', {}],
])('joining with a wrong %s is rejected: %j', async (name, value) => {
  const message = expect.stringMatching(new RegExp(`^${name} must be `));
  await expect(join({ [name]: value })).rejects.toMatchObject({ code: 'ERR_BAD_OPTION', message });
});

it('two processes of a host with a long name have different names', async () => {
  const hostname = jest.spyOn(os, 'hostname').mockReturnValue('h'.repeat(100));
  const said: string[] = [];
  const run: ClusterLink['run'] = (_step, _bucket, _keys, args) => (said.push(...args), closed());
  await expect(join({}, { ...via, run })).rejects.toThrow('closed');
  hostname.mockRestore();
  const [name] = said.flatMap((text) => /"name":"([^"]*)"/.exec(text)?.[1] ?? []);
  expect(name).toHaveLength(64);
  expect(name).toMatch(new RegExp(`^h+-${process.pid}$`));
});
