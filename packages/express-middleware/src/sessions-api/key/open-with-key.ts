import path from 'node:path';
import { StreamSessionsError } from '@stream-sessions/core';
import { badOption } from '@stream-sessions/core/spi';
import { type AnnouncedKey, printKey } from './announce.js';
import { checkKey, keyOfThisProcess } from './api-key.js';
import { writeKeyFile } from './key-file.js';

const DEFAULT_FILE = '.stream-sessions-key';

export interface KeyOptions {
  key?: string;
  keyFile?: string | false;
  url?: string;
  announce?: (key: AnnouncedKey) => void;
}

/**
 * The key of an API: the one from the options or that of this process, written and announced as they say.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION, ERR_KEY_FILE
 */
export function openWithKey({ key: own, keyFile, url, announce }: KeyOptions): string {
  if (own !== undefined) checkKey(own);
  if (keyFile !== undefined && keyFile !== false && (typeof keyFile !== 'string' || keyFile === '')) {
    throw badOption('keyFile', 'a path or false', keyFile);
  }
  if (announce !== undefined && typeof announce !== 'function') throw badOption('announce', 'a function', announce);
  const address = url === undefined ? undefined : addressOf(url);
  const key = own ?? keyOfThisProcess();
  const file = keyFile ?? (own === undefined ? DEFAULT_FILE : false);
  let problem: string | undefined;
  try {
    if (file !== false) writeKeyFile(path.resolve(file), key);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    problem = `${file} could not be written (${code ?? message}).`;
    if (keyFile !== undefined) {
      throw new StreamSessionsError('ERR_KEY_FILE', `sessionsApi(): ${problem}`, { cause: error });
    }
  }
  const told = { key, file: file === false || problem !== undefined ? undefined : path.resolve(file), problem };
  if (announce !== undefined) announce(told);
  else if (own === undefined) printKey(told, address);
  return key;
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end--;
  return path.slice(0, end);
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
function addressOf(url: unknown): string {
  try {
    const { protocol, origin, pathname } = new URL(String(url));
    if (/^https?:$/.test(protocol)) return `${origin}${withoutTrailingSlashes(pathname)}`;
  } catch {
    // reported below
  }
  throw badOption('url', 'an address such as "http://127.0.0.1:8080/api"', url);
}
