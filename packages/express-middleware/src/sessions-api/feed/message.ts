/** One message of Server-Sent Events. `data` is JSON, which has no line breaks of its own. */
export const message = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** A sign of life with the position to resume from: an id without data triggers no listener. */
export const stillHere = (id: string): string => `:\nid: ${id}\n\n`;
