import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { openMaxMind, type MaxMindOptions, type MaxMindResolver } from '@stream-sessions/geoip';
import { mmdb } from './mmdb-writer.js';
import { tempFolder, until } from './temp-folder.js';

const file = tempFolder();
const VIEWER = '81.2.69.1';
const naming = (code: string) =>
  mmdb({ type: 'GeoLite2-Country', networks: { '81.2.69.0/24': { country: { iso_code: code } } } });

/** A logger that keeps what it was told. */
function recorder() {
  const lines: { level: string; message: string; details: Record<string, unknown> }[] = [];
  const log = (level: string) => (details: object, message: string) =>
    void lines.push({ level, message, details: { ...details } });
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

const opened: MaxMindResolver[] = [];
afterEach(() => opened.splice(0).forEach((geo) => geo.close()));

async function open(options: MaxMindOptions = {}) {
  const path = file('live.mmdb');
  const logger = recorder();
  writeFileSync(path, naming('GB'));
  const geo = await openMaxMind(path, { reloadMs: 10, logger, ...options });
  opened.push(geo);
  expect(geo.country(VIEWER)).toBe('GB');
  const warnings = () => logger.lines.filter((line) => line.level === 'warn');
  return { path, geo, logger, warnings };
}

/** As careful tools do it: write beside, then rename over. */
function replace(path: string, content: Buffer | string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

describe('a database that is replaced while running', () => {
  it('is picked up when it was renamed into place', async () => {
    const { path, geo, logger } = await open();
    replace(path, naming('FR'));
    await until('the new country', () => geo.country(VIEWER) === 'FR');
    expect(logger.lines).toEqual([
      expect.objectContaining({
        level: 'info',
        message: 'GeoIP database reloaded',
        details: { path, type: 'GeoLite2-Country', builtAt: 1_700_000_000_000 },
      }),
    ]);
  });

  it('is picked up when it was written in place, with the same size and time', async () => {
    const { path, geo } = await open();
    const { atime, mtime } = statSync(path);
    writeFileSync(path, naming('FR'));
    utimesSync(path, atime, mtime);
    await until('the new country', () => geo.country(VIEWER) === 'FR');
  });

  it('is picked up again and again', async () => {
    const { path, geo } = await open();
    for (const code of ['FR', 'SE', 'DE', 'GB']) {
      replace(path, naming(code));
      await until(code, () => geo.country(VIEWER) === code);
    }
  });

  it.each([
    ['junk', Buffer.from('junk '.repeat(50))],
    ['an empty file', Buffer.alloc(0)],
    ['half a file', naming('FR').subarray(0, 200)],
    ['an ASN database', mmdb({ type: 'GeoLite2-ASN', networks: { '81.2.69.0/24': { autonomous_system_number: 1 } } })],
  ])('keeps the old one when it is replaced by %s, says so once, and takes the next good one', async (_, content) => {
    const { path, geo, warnings } = await open();
    replace(path, content);
    await until('the warning', () => warnings().length > 0);
    expect(geo.country(VIEWER)).toBe('GB');
    expect(warnings()[0]?.details).toMatchObject({ path, err: { code: 'ERR_GEOIP_DATABASE' } });
    replace(path, naming('FR'));
    await until('the next good one', () => geo.country(VIEWER) === 'FR');
    expect(warnings()).toHaveLength(1);
  });

  it('keeps the old one when the file is deleted, and takes the next', async () => {
    const { path, geo, warnings } = await open();
    rmSync(path);
    replace(file('other.mmdb'), naming('FR'));
    // a second resolver proves that looks happened meanwhile
    const other = await openMaxMind(file('other.mmdb'), { reloadMs: 10 });
    opened.push(other);
    replace(file('other.mmdb'), naming('SE'));
    await until('looks at the other file', () => other.country(VIEWER) === 'SE');
    expect(geo.country(VIEWER)).toBe('GB');
    replace(path, naming('FR'));
    await until('the file that came back', () => geo.country(VIEWER) === 'FR');
    expect(warnings()).toEqual([]);
  });

  it('is not looked at with reloadMs 0, nor after close()', async () => {
    const { path, geo, logger } = await open({ reloadMs: 0 });
    const watching = await openMaxMind(path, { reloadMs: 10 });
    const closed = await openMaxMind(path, { reloadMs: 10, logger });
    opened.push(watching);
    closed.close();
    replace(path, naming('FR'));
    await until('the one that watches', () => watching.country(VIEWER) === 'FR');
    expect(geo.country(VIEWER)).toBe('GB');
    expect(closed.country(VIEWER)).toBeUndefined();
    expect(logger.lines).toEqual([]);
  });

  it('survives a logger that throws', async () => {
    const boom = () => {
      throw new Error('a full disk');
    };
    const { path, geo } = await open({ logger: { debug: boom, info: boom, warn: boom, error: boom } });
    replace(path, 'junk');
    replace(path, naming('FR'));
    await until('FR', () => geo.country(VIEWER) === 'FR');
    replace(path, naming('SE'));
    await until('SE', () => geo.country(VIEWER) === 'SE');
  });
});
