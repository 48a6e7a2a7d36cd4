import assert from 'node:assert/strict';
import { stays, until } from '../until.js';
import type { Case } from './world.js';

/** A kick must take effect within this time. Milliseconds. */
const FELT_MS = 1_000;
const SHORT_IDLE_MS = 1_500;

export const endingCases: Case[] = [
  {
    name: 'cuts a kicked client within a second, keeps it out, and lets a neighbour play on',
    test: async (world) => {
      const kicked = await world.watch({ stream: 'cam1', token: 'a', userAgent: 'kicked/1.0' });
      const { id } = world.viewer();
      const neighbour = await world.watch({ stream: 'cam1', token: 'b', userAgent: 'neighbour/1.0' });
      assert.equal(world.tracker.kick(id), true);
      await until('the kicked client is severed', () => kicked.hasEnded(), FELT_MS);
      const atTheEnd = kicked.received();
      const again = await world.play({ stream: 'cam1', token: 'a', userAgent: 'kicked/1.0' });
      await world.isRefused(again);
      await world.playsOn(neighbour);
      assert.equal(kicked.received(), atTheEnd, 'nothing arrives after the cut');
      assert.deepEqual(
        world.closed.filter(({ kind }) => kind === 'viewer').map(({ closeReason }) => closeReason),
        ['kicked'],
      );
      assert.equal(world.viewers().length, 1);
    },
  },
  {
    name: 'closes a client that dropped as gone, once',
    test: async (world) => {
      const client = await world.watch({ stream: 'cam1', token: 'a' });
      const { id } = world.viewer();
      await client.drop();
      await until('the session is closed', () => world.viewers().length === 0);
      const reasons = () => world.closed.filter((session) => session.id === id).map(({ closeReason }) => closeReason);
      assert.deepEqual(reasons(), ['client_gone']);
      await stays('the end is told once', () => reasons().length === 1);
      const again = await world.watch({ stream: 'cam1', token: 'a' });
      assert.equal(again.hasEnded(), false, 'who has gone may come back');
    },
  },
  {
    name: 'keeps a viewer on the list for as long as the connection is open: it is touched at least every second',
    options: { idleTimeoutMs: SHORT_IDLE_MS },
    test: async (world) => {
      const client = await world.watch({ stream: 'cam1', token: 'a' });
      const { id, openedAt } = world.viewer();
      await until('it has stayed for two idle timeouts', () => Date.now() - openedAt > 2 * SHORT_IDLE_MS, 9_000);
      assert.equal(world.viewer().id, id);
      assert.equal(client.hasEnded(), false);
    },
  },
  {
    name: 'counts, in the end, no less than the client has received: after a cut',
    test: async (world) => {
      const client = await world.watch({ stream: 'cam1', token: 'a' });
      await world.playsOn(client);
      const { id } = world.viewer();
      world.tracker.kick(id);
      await until('the client is severed', () => client.hasEnded());
      const bytes = world.tracker.get(id)?.bytes ?? 0;
      assert.ok(bytes >= client.received(), `${bytes} bytes counted, ${client.received()} received`);
    },
  },
  {
    name: 'counts, in the end, no less than the client has received: after it dropped',
    test: async (world) => {
      const client = await world.watch({ stream: 'cam1', token: 'a' });
      await world.playsOn(client);
      const { id } = world.viewer();
      await client.drop();
      await until('the session is closed', () => world.viewers().length === 0);
      const bytes = world.tracker.get(id)?.bytes ?? 0;
      assert.ok(bytes >= client.received(), `${bytes} bytes counted, ${client.received()} received`);
    },
  },
  {
    name: 'leaves the transport alone when it is detached, and closes its sessions as shut down',
    test: async (world) => {
      const client = await world.watch({ stream: 'cam1', token: 'a' });
      const { id } = world.viewer();
      await world.detach();
      await until('the session is closed', () => world.viewers().length === 0);
      assert.equal(world.tracker.get(id)?.closeReason, 'shutdown');
      await world.playsOn(client);
      await world.watch({ stream: 'cam1', token: 'b' });
      assert.equal(world.viewers().length, 0, 'nobody is tracked any more');
    },
  },
];
