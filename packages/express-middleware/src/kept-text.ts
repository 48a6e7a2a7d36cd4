/** Longer texts are identified by their two ends and their length: agents and tokens begin alike and differ at the end. */
const MAX_LENGTH = 128;

/** A text from a request, shortened for storage. Confusing two texts does no harm in a table of hints. */
export const shortened = (text: string): string =>
  text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH / 2)}~${text.length}~${text.slice(-MAX_LENGTH / 2)}`;
