import type { GeoResolver, Logger } from '@stream-sessions/core';
import { badOption, checkMethods, checkOptions, checkTimeout } from '@stream-sessions/core/spi';
import { type CountryDatabase, loadDatabase } from './database.js';
import { watchFile } from './watch-file.js';

/** Options of {@link openMaxMind}. */
export interface MaxMindOptions {
  /**
   * How often to check whether the file was replaced, in milliseconds. Default 60,000; 0 = never.
   * A check is one `stat`; lower it if an update has to take effect at once.
   */
  reloadMs?: number | undefined;
  /** Receives reloads (`info`) and unusable replacements (`warn`, once each). Default: none. */
  logger?: Logger | undefined;
}

/** Finds the country of an address in a MaxMind database. */
export interface MaxMindResolver extends GeoResolver {
  /**
   * ISO 3166-1 alpha-2 in upper case; undefined for a private or unknown address, or anything else. Never throws. An address may
   * have a port, brackets or a zone, and may be IPv4 written as IPv6 (`::ffff:1.2.3.4`).
   */
  country(ip: string): string | undefined;
  /** Stops checking for replacements and frees the database: every country is undefined from now on. Idempotent. */
  close(): void;
}

/**
 * Opens a database in the MaxMind format (`.mmdb`) that contains countries: from MaxMind or another vendor, with
 * `country.iso_code`, `country_code` or a two-letter `country` in its records. A file that replaces it is picked up while
 * running; if that is missing or unusable, the last good one stays in use. Nothing here keeps the process alive.
 *
 * @param path The uncompressed `.mmdb` file. It is held in memory.
 * @throws StreamSessionsError `ERR_GEOIP_DATABASE` if the file is missing, malformed, compressed, or has no countries
 * @throws StreamSessionsError `ERR_BAD_OPTION` for an unknown option or an impossible value
 * @example const geo = await openMaxMind('/var/lib/GeoIP/GeoLite2-Country.mmdb'); const tracker = createTracker({ geo });
 */
export async function openMaxMind(path: string, options: MaxMindOptions = {}): Promise<MaxMindResolver> {
  checkOptions('openMaxMind', options, ['reloadMs', 'logger']);
  if (typeof path !== 'string' || path === '')
    throw badOption('openMaxMind: the first argument', 'the path of a file', path);
  const { reloadMs = 60_000, logger } = options;
  checkTimeout('reloadMs', reloadMs);
  if (logger !== undefined) checkMethods('logger', logger, ['info', 'warn']);
  let database: CountryDatabase | undefined;
  const watch = await watchFile(path, reloadMs, {
    load: loadDatabase,
    use(loaded) {
      const isReload = database !== undefined;
      database = loaded;
      if (isReload) logger?.info({ path, type: loaded.type, builtAt: loaded.builtAt }, 'GeoIP database reloaded');
    },
    onUnusable(error) {
      logger?.warn({ path, err: error }, 'GeoIP database was replaced by one that cannot be used: keeping the old one');
    },
  });
  return {
    country: (ip) => database?.country(ip),
    close() {
      watch.stop();
      database = undefined;
    },
  };
}
