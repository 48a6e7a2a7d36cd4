import { validateHeaderName, validateHeaderValue } from 'node:http';
import { badOption, badSecret } from '@stream-sessions/core/spi';

/** Headers that determine how the request is framed: with another value it would not arrive, or not completely. */
const FRAMING = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/**
 * The headers with lower-case names. An invalid header would make every request fail.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION. The message contains no values, because they are secrets.
 */
export function checkHeaders(headers: unknown): Readonly<Record<string, string>> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw badOption('headers', 'an object of strings', headers);
  }
  const checked = new Map<string, string>();
  for (const [given, value] of Object.entries(headers as Record<string, unknown>)) {
    const name = given.toLowerCase();
    if (!isNameOfHeader(given) || FRAMING.includes(name) || checked.has(name)) {
      throw badOption(
        'headers',
        'an object whose names are those of headers, once each, of which none frames the request',
        given,
      );
    }
    if (typeof value !== 'string' || !isValueOfHeader(name, value)) {
      throw badSecret(`headers["${name}"]`, 'text that is valid in a header', value);
    }
    checked.set(name, value);
  }
  return Object.fromEntries(checked);
}

const isNameOfHeader = (name: string): boolean => isFine(() => validateHeaderName(name));
const isValueOfHeader = (name: string, value: string): boolean => isFine(() => validateHeaderValue(name, value));

function isFine(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
