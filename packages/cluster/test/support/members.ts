import { randomUUID } from 'node:crypto';
import type { Clock } from '@stream-sessions/core';
import { systemClock } from '@stream-sessions/core/spi';
import { closeClients, connect } from '../../../../test/support/redis-clients.js';
import { redisLink, type ClusterLink } from '../../src/index.js';
import type { Running } from '../../src/log/cluster-log.js';
import type { TableRow } from '../../src/log/entry.js';
import { Member, type MemberParts } from '../../src/member.js';

/** Long enough for a busy machine to renew in time, short enough to wait for its end. */
export const LEASE_MS = 1_500;
const RENEW_MS = 200;

/** A member, and what it has heard. */
export interface TestMember {
  readonly member: Member;
  readonly link: ClusterLink;
  readonly said: string[];
  /** Bodies of the table, as it was read last. */
  readonly table: string[];
  /** What it knows of, and will put back. */
  readonly running: Running[];
}

export function testMember(link: ClusterLink, name: string, over: Partial<MemberParts> = {}): TestMember {
  const said: string[] = [];
  const table: string[] = [];
  const running: Running[] = [];
  const member = new Member({
    link,
    clock: systemClock,
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    name,
    config: { identity: 'same' },
    leaseMs: LEASE_MS,
    renewMs: RENEW_MS,
    maxEntries: 10_000,
    onSaid: (body) => void said.push(body),
    onTable: async (portions) => {
      const rows: TableRow[] = [];
      for await (const some of portions) rows.push(...some);
      const bodies = rows.sort((a, b) => a.n - b.n).map(({ body }) => body);
      table.splice(0, table.length, ...bodies);
      return running.filter(({ body }) => !bodies.includes(body));
    },
    ...over,
  });
  return { member, link, said, table, running };
}

interface MemberExtras {
  port?: number;
  clock?: Clock;
  wrap?: (link: ClusterLink) => ClusterLink;
}

/** A cluster of this test's own on a server, and its members. */
export class Cluster {
  readonly prefix = `test-${randomUUID()}:`;
  readonly all: TestMember[] = [];

  constructor(readonly port: number) {}

  /** @param over.wrap what stands between the member and its link */
  async member(name: string, over: Partial<MemberParts> & MemberExtras = {}): Promise<TestMember> {
    const { client } = await connect(this.all.length % 2 === 0 ? 'redis' : 'ioredis', over.port ?? this.port);
    const direct = redisLink(client, { prefix: this.prefix, commandTimeoutMs: 1_000 });
    const link = over.wrap?.(direct) ?? direct;
    const made = testMember(link, name, over);
    this.all.push(made);
    return made;
  }

  async joined(name: string, over?: Parameters<Cluster['member']>[1]): Promise<TestMember> {
    const made = await this.member(name, over);
    await made.member.join();
    return made;
  }

  /** Everybody leaves. */
  async end(): Promise<void> {
    for (const { member, link } of this.all.splice(0)) {
      await member.leave();
      await link.close();
    }
    closeClients();
  }
}

export const namesOf = ({ member }: TestMember): string[] =>
  member.membership.nodes
    .living()
    .map(({ name }) => name)
    .sort();
