/** A claim that names more streams than this is invalid. */
const MAX_PATTERNS = 256;
const MAX_PATTERN_LENGTH = 256;

/** Streams as a token names them: `cam1`, `news/*`, `*`, or a list of these. */
export function isStreamPatterns(value: unknown): value is string | readonly string[] {
  const patterns: unknown[] = Array.isArray(value) ? value : [value];
  return (
    patterns.length <= MAX_PATTERNS &&
    patterns.every((pattern) => typeof pattern === 'string' && pattern.length <= MAX_PATTERN_LENGTH)
  );
}

/** True if one of the patterns matches the stream. A star stands for any characters, including slashes. */
export const namesStream = (patterns: readonly string[], stream: string): boolean =>
  patterns.some((pattern) => matches(pattern, stream));

/** Part by part, from the left. Not by regular expression, because strangers write the patterns and may choose stream names. */
function matches(pattern: string, stream: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return stream === head;
  if (stream.length < head.length + tail.length || !stream.startsWith(head) || !stream.endsWith(tail)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = stream.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= stream.length - tail.length;
}
