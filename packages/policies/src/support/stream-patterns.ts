/** A claim that names more streams than this is no claim to read. */
const MAX_PATTERNS = 256;
const MAX_PATTERN_LENGTH = 256;

/**
 * Streams as a token names them: `cam1`, `news/*`, `*`. A star stands for any characters, slashes too. Undefined when it
 * is none of that.
 */
export function streamPatterns(claim: unknown): ((stream: string) => boolean) | undefined {
  const patterns: unknown[] = Array.isArray(claim) ? claim : [claim];
  if (patterns.length > MAX_PATTERNS) return undefined;
  const tests: ((stream: string) => boolean)[] = [];
  for (const pattern of patterns) {
    if (typeof pattern !== 'string' || pattern.length > MAX_PATTERN_LENGTH) return undefined;
    tests.push(patternTest(pattern));
  }
  return (stream) => tests.some((test) => test(stream));
}

/** Part by part, from the left: no regular expression, for strangers write the patterns and may name the streams. */
function patternTest(pattern: string): (stream: string) => boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return (stream) => stream === head;
  return (stream) => {
    if (stream.length < head.length + tail.length || !stream.startsWith(head) || !stream.endsWith(tail)) return false;
    let at = head.length;
    for (const part of parts) {
      const found = stream.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= stream.length - tail.length;
  };
}
