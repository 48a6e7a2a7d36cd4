/**
 * The members of a JSON object as the raw text of their values, so that changing one leaves the others exactly as written:
 * parsing and serialising them would round other languages' large integers.
 *
 * @param text Must be valid JSON, and an object
 */
export function splitMembers(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = text.indexOf('{') + 1;
  for (;;) {
    const nameStart = skipBlanks(text, at);
    if (text[nameStart] !== '"') return members;
    const nameEnd = endOfString(text, nameStart);
    const valueStart = skipBlanks(text, text.indexOf(':', nameEnd) + 1);
    const valueEnd = endOfValue(text, valueStart);
    const name = JSON.parse(text.slice(nameStart, nameEnd)) as string;
    // of two members with the same name the last one counts, as for JSON.parse()
    members.set(name, text.slice(valueStart, valueEnd).trimEnd());
    if (text[valueEnd] !== ',') return members;
    at = valueEnd + 1;
  }
}

export function joinMembers(members: ReadonlyMap<string, string>): string {
  return `{${Array.from(members, ([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (' \n\r\t'.includes(text[at] ?? '-')) at++;
  return at;
}

/** One past the closing quote of the string that begins here. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** The comma or brace after the value that begins here. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; ; at++) {
    const letter = text[at];
    if (letter === '"') at = endOfString(text, at) - 1;
    else if (letter === '{' || letter === '[') depth++;
    else if (depth === 0 && (letter === ',' || letter === '}')) return at;
    else if (letter === '}' || letter === ']') depth--;
  }
}
