import assert from 'node:assert/strict';
import type { ClusterLink, Reply, Step } from '../link/link.js';
import type { ClusterLinkHarness, RunningLinks } from './harness.js';

/** One rule that every link keeps. */
export interface LinkCase {
  readonly name: string;
  test(world: LinkWorld): Promise<void>;
}

/** A cluster, and the links to it. */
export class LinkWorld {
  private readonly links: ClusterLink[] = [];

  constructor(readonly subject: RunningLinks) {}

  /** Opens it as another process would. */
  async open(): Promise<ClusterLink> {
    return this.keep(await this.subject.open());
  }

  keep(link: ClusterLink): ClusterLink {
    this.links.push(link);
    return link;
  }

  async end(): Promise<void> {
    for (const link of this.links) await link.close();
    const endless = await this.subject.withoutExpiry();
    assert.deepEqual(endless, [], 'everything that is kept expires');
  }
}

export async function runLinkCase(harness: ClusterLinkHarness, one: LinkCase): Promise<void> {
  const subject = await harness.start();
  const world = new LinkWorld(subject);
  try {
    await one.test(world);
    await world.end();
  } finally {
    await subject.stop?.();
  }
}

/** Adds to a number, unless this very addition has been made before. */
export const ADD: Step = {
  name: 'add',
  lua: `
if redis.call('HSETNX', KEYS[2], ARGV[2], '1') == 0 then return tonumber(redis.call('GET', KEYS[1])) end
redis.call('PEXPIRE', KEYS[2], 60000)
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 60000)
return sum`,
};

let additions = 0;

export const add = (link: ClusterLink, bucket: number, n = 1): Promise<Reply> =>
  link.run(ADD, bucket, ['sum', 'added'], [String(n), `${process.pid}-${additions++}`]);

/** Appends a text to a channel. */
export const SAY: Step = {
  name: 'say',
  lua: `
redis.call('XADD', KEYS[1], '*', 'd', ARGV[1])
redis.call('PEXPIRE', KEYS[1], 60000)
return 'OK'`,
};

export const say = (link: ClusterLink, channel: string, text: string): Promise<Reply> =>
  link.run(SAY, 0, [channel], [text]);
