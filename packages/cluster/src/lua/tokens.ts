import { LuaError } from './values.js';

export interface Token {
  readonly kind: 'name' | 'word' | 'number' | 'text' | 'sign' | 'end';
  readonly value: string;
  readonly line: number;
}

const WORDS = new Set(
  'and break do else elseif end false for function if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
);
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

// one of: blanks and comments, a name, a number, a text, a sign
const TOKEN =
  /((?:\s|--[^\n]*)+)|([A-Za-z_]\w*)|(0x[\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(\.\.\.|\.\.|==|~=|<=|>=|[-+*/%^#<>=(){}[\];:,.])/y;

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(source);
    if (found === null) throw new LuaError(`line ${line}: what is "${source.slice(at, at + 10)}"?`);
    const [all, , name, number, text, sign] = found;
    if (name !== undefined) tokens.push({ kind: WORDS.has(name) ? 'word' : 'name', value: name, line });
    else if (number !== undefined) tokens.push({ kind: 'number', value: number, line });
    else if (text !== undefined) tokens.push({ kind: 'text', value: unescaped(text.slice(1, -1), line), line });
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign, line });
    line += all.split('\n').length - 1;
  }
  tokens.push({ kind: 'end', value: 'the end', line });
  return tokens;
}

const unescaped = (text: string, line: number): string =>
  text.replace(/\\([^])/g, (_, letter: string) => {
    const meant = ESCAPES[letter];
    if (meant === undefined) throw new LuaError(`line ${line}: "\\${letter}" is not known here`);
    return meant;
  });
