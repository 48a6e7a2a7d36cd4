import { EVERY_BUCKET } from '../link/link.js';
import type { Membership } from '../membership/membership.js';
import { placeOf, readHolders, shardOf } from './fields.js';
import { READ } from './figure-steps.js';
import { visitText } from './operation.js';
import { VISITS_KEYS } from './visit-steps.js';

/** A visit that somebody asks about. */
export interface Known {
  readonly id: string;
  readonly openedAt: number;
  readonly place: string | undefined;
}

/** The figures in the record of a visit. */
export interface Figures {
  /** Counted by nodes that have released their parts. */
  readonly bytes: number;
  readonly bytesReceived: number;
  /** Prefixes of the incarnations that hold parts. */
  readonly holders: readonly string[];
}

const NOTHING: Figures = { bytes: 0, bytesReceived: 0, holders: [] };

/** Reads the records of these visits, in their order. */
export async function readFigures(membership: Membership, visits: readonly Known[]): Promise<Figures[]> {
  const figures: Figures[] = visits.map(() => NOTHING);
  const placed = visits.map((visit, at) => ({ at, visit, where: placeOf(visit) }));
  await Promise.all(
    EVERY_BUCKET.map(async (bucket) => {
      const here = placed.filter(({ where }) => where.bucket === bucket);
      if (here.length === 0) return;
      const args = here.flatMap(({ visit, where }) => [String(shardOf(where.place)), where.place, ...visitText(visit)]);
      const reply = (await membership.run(READ, bucket, VISITS_KEYS, args)) as readonly string[];
      reply.forEach((text, i) => {
        const [holders = '', , bytes = 0, received = 0] = text.split(' ');
        const held = readHolders(holders);
        figures[here[i]?.at ?? 0] = { bytes: Number(bytes), bytesReceived: Number(received), holders: held };
      });
    }),
  );
  return figures;
}
