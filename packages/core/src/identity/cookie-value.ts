/**
 * The value of one cookie. Undefined when it is absent, empty, cannot be decoded, or occurs with two values, since it is then
 * unclear which one is meant. (Cookie parsers take the first and read the whole header; this runs for every segment.)
 */
export function cookieValue(header: string, name: string): string | undefined {
  let found: string | undefined;
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + name.length)) {
    const equals = at + name.length;
    if (header.charCodeAt(equals) !== 0x3d /* = */ || !startsPair(header, at)) continue;
    const end = header.indexOf(';', equals);
    const value = unquote(header.slice(equals + 1, end < 0 ? undefined : end).trim());
    if (found !== undefined && found !== value) return undefined;
    found = value;
  }
  return found === undefined || found === '' ? undefined : decode(found);
}

function startsPair(header: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && header.charCodeAt(before) === 0x20 /* space */) before--;
  return before < 0 || header.charCodeAt(before) === 0x3b; /* ; */
}

const unquote = (value: string): string => (/^".*"$/.test(value) ? value.slice(1, -1) : value);

function decode(value: string): string | undefined {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
