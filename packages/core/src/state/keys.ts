/** The key under which the time of the other records is stored. */
export const CLOCK_KEY = 'clock';

export const sessionKey = (id: string): string => `session/${id}`;
export const progressKey = (id: string): string => `progress/${id}`;
export const recordKey = (owner: string, id: string): string => `record/${owner}/${id}`;
export const denialKey = (id: string): string => `denial/${id}`;

/** Splits a key into the kind of record and its id. */
export function readKey(key: string): { what: string; id: string } {
  const end = key.indexOf('/');
  return end < 0 ? { what: key, id: '' } : { what: key.slice(0, end), id: key.slice(end + 1) };
}
