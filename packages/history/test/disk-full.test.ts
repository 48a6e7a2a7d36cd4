import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../test/support/until.js';
import { madeUpSession, START } from '../src/testing/stage.js';
import { Stage } from './support/stage.js';

const MINUTE = 60_000;
const VISITS = 3_000;

// a disk of six megabytes is something that only root can make; CI is root, and whoever is not has the other suites
const asRoot = process.getuid?.() === 0 || process.env.CI === 'true' ? it : it.skip;

asRoot(
  'keeps every visit once, when the disk of the database was full for a while',
  async () => {
    const stage = await Stage.begin();
    const disk = join(stage.server.folder, 'disk');
    mkdirSync(disk);
    const sizeOf = (bytes: string): string[] => ['-o', `size=${bytes},mode=0777`];
    execFileSync('mount', ['-t', 'tmpfs', ...sizeOf('6m'), 'tmpfs', disk]);
    try {
      // PostgreSQL wants a folder that belongs to it
      const folder = join(disk, 'tables');
      execFileSync('install', ['-d', '-o', 'postgres', '-g', 'postgres', '-m', '0700', folder]);
      await stage.engine.query(`CREATE TABLESPACE small LOCATION '${folder}'`);
      await stage.engine.query('ALTER DATABASE postgres SET default_tablespace = small');
      const { history, directory } = await stage.open();
      for (let n = 0; n < VISITS; n++) {
        const session = madeUpSession({
          id: `visit ${n}`,
          openedAt: START + n,
          referer: randomBytes(1_500).toString('hex'),
        });
        directory.emit('opened', { session });
        const end = { updatedAt: START + n + MINUTE, closedAt: START + n + MINUTE, closeReason: 'idle' };
        directory.emit('closed', { session: { ...session, ...end } });
      }
      await until('the disk is full', () => history.stats().error?.message.includes('No space left') === true, 30_000);
      expect(history.stats().journalBytes).toBeGreaterThan(1_000_000);
      execFileSync('mount', [...sizeOf('200m'), '-o', 'remount', disk]);
      await history.flushed();
      expect(history.stats()).toEqual({ journalBytes: 0, lost: 0, refused: 0, error: undefined });
      const [kept] = await stage.engine.query(
        'SELECT count(*)::int AS visits, count(closed_at)::int AS closed FROM stream_sessions.visits',
        [],
      );
      expect(kept).toEqual({ visits: VISITS, closed: VISITS });
      expect(await history.summary({ from: START, to: START + MINUTE })).toMatchObject({ views: VISITS });
    } finally {
      await stage.clear();
      await stage.server.halt();
      execFileSync('umount', [disk]);
      await stage.end();
    }
  },
  60_000,
);
