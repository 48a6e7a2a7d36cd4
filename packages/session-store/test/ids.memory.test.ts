import { randomUUID } from 'node:crypto';
import { fakeClock, heldBytes } from '@stream-sessions/core/testing';
import { createManager, type Manager } from '../src/index.js';

const SESSIONS = 500;
const cutFromUrl = (id: string): string =>
  Buffer.from(`/mcp/${id}/x?${'y'.repeat(14_000)}`)
    .toString('latin1')
    .slice(5, 41);

it.each<[string, (manager: Manager, id: string) => Promise<unknown>]>([
  ['created', (manager, id) => manager.addWithId(cutFromUrl(id))],
  [
    'created, asked for and changed',
    async (manager, id) => {
      await manager.addWithId(id);
      const session = await manager.get(cutFromUrl(id));
      session?.setMetadata('a', 'b');
      if (session !== undefined) await manager.update(session);
      await manager.get(cutFromUrl(id));
    },
  ],
])('a session that is %s with an id from a long URL does not keep the URL', async (_, make) => {
  const manager = createManager({ clock: fakeClock(), type: 'sse' });
  await make(manager, randomUUID());
  const before = heldBytes();
  for (let n = 0; n < SESSIONS; n++) await make(manager, randomUUID());
  expect((heldBytes() - before) / SESSIONS).toBeLessThan(5_000);
  await manager.stop();
});
