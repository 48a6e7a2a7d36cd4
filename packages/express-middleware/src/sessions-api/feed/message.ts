/** One message of Server-Sent Events. `data` is JSON, which has no line breaks of its own. */
export const message = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** Nothing to hear, but proof of life, and where to go on from: an id without data calls no listener. */
export const stillHere = (id: string): string => `:\nid: ${id}\n\n`;
