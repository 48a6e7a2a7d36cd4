import { LuaError } from './values.js';

const CLASSES: Readonly<Record<string, string>> = {
  a: 'A-Za-z',
  d: '0-9',
  l: 'a-z',
  s: ' \\t\\n\\v\\f\\r',
  u: 'A-Z',
  w: '0-9A-Za-z',
  x: '0-9A-Fa-f',
};

const made = new Map<string, RegExp>();

/** A Lua pattern as a regular expression. Scripts are our own: there are few, and no stranger writes one. */
export function regExpOf(pattern: string): RegExp {
  let found = made.get(pattern);
  if (found === undefined) made.set(pattern, (found = translated(pattern)));
  return found;
}

function translated(pattern: string): RegExp {
  let source = '';
  let inSet = false;
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern[i] as string;
    if (letter === '%') source += escaped(pattern[++i] ?? '', inSet);
    else if (inSet) {
      if (letter === ']') inSet = false;
      source += letter === '\\' ? '\\\\' : letter;
    } else if (letter === '[') {
      inSet = true;
      source += '[';
      if (pattern[i + 1] === '^') source += pattern[++i];
    } else if (letter === '-') source += '*?';
    else if (letter === '.') source += '[^]';
    else if (letter === '^') source += i === 0 ? '^' : '\\^';
    else if (letter === '$') source += i === pattern.length - 1 ? '$' : '\\$';
    else if ('*+?()'.includes(letter)) source += letter;
    else source += letter.replace(/[\\^$.|{}[\]/]/, '\\$&');
  }
  return new RegExp(source);
}

function escaped(letter: string, inSet: boolean): string {
  if (!/[A-Za-z0-9]/.test(letter)) return `\\${letter}`;
  const set = CLASSES[letter.toLowerCase()];
  if (set === undefined) throw new LuaError(`"%${letter}" is not known here`);
  const isOther = letter !== letter.toLowerCase();
  if (inSet && isOther) throw new LuaError(`"%${letter}" in a set is not known here`);
  return inSet ? set : `[${isOther ? '^' : ''}${set}]`;
}
