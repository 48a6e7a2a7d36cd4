import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CLIENTS } from './support/clients.js';
import { resultsFile, versionOf, type Row } from './support/report.js';
import { endAll } from './support/run.js';
import { rightReason, tryOut } from './support/trial.js';
import { WAYS, type Way } from './support/ways.js';
import { startWorld, type World } from './support/world.js';

const rows: Row[] = [];
let world: World;
beforeAll(async () => (world = await startWorld()), 60_000);
afterAll(async () => {
  endAll();
  await world.stop();
  mkdirSync(path.dirname(resultsFile), { recursive: true });
  writeFileSync(resultsFile, JSON.stringify(rows));
}, 60_000);
afterEach(endAll);

const SIDES = [
  ['plays', false],
  ['publishes', true],
] as const;

describe.each(CLIENTS)('$name', (client) => {
  const version = versionOf(client);
  describe.each(SIDES)('%s', (does, publishes) => {
    const ways = WAYS.filter((way) => (publishes ? client.publishes : client.plays)?.[way] !== undefined);
    if (ways.length === 0) return;

    it.each(ways)(
      `over %s: one row, its bytes, a kick that holds, and the reason of its end`,
      async (way: Way) => {
        const row: Row = { client: client.name, version, way, does };
        rows.push(row);
        const outcome = await tryOut(world, { client, way, publishes });
        Object.assign(row, outcome);
        expect(Math.abs(outcome.off ?? 0)).toBeLessThan(0.01);
        expect(outcome.kickMs ?? 0).toBeLessThan(1_500);
        expect([outcome.exit, outcome.kill]).toEqual([rightReason(way), rightReason(way)]);
        row.isRight = true;
      },
      90_000,
    );
  });
});
