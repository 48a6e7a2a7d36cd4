/** What is longer is known by its two ends and its length: agents and tokens begin alike, and differ at the end. */
const MAX_LENGTH = 128;

/** A text from a request, as short as may be kept of it. Two that are made one are as good as the same to a table of hints. */
export const shortened = (text: string): string =>
  text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH / 2)}~${text.length}~${text.slice(-MAX_LENGTH / 2)}`;
