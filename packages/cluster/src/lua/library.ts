import { isTrue, LuaError, LuaTable, numberOf, textOf, typeOf, type LuaFunction, type Value } from './values.js';
import { regExpOf } from './patterns.js';

function table(value: Value): LuaTable {
  if (value instanceof LuaTable) return value;
  throw new LuaError(`table expected, got ${typeOf(value)}`);
}

function text(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return textOf(value);
  throw new LuaError(`string expected, got ${typeOf(value)}`);
}

function number(value: Value): number {
  const found = numberOf(value);
  if (found === undefined) throw new LuaError(`number expected, got ${typeOf(value)}`);
  return found;
}

const shown = (value: Value): string =>
  value === undefined ? 'nil' : typeof value === 'boolean' ? String(value) : text(value);

/** Digits alone: no sign, no blanks. */
function inBase(digits: string, base: number): number | undefined {
  const found = parseInt(digits, base);
  return found.toString(base) === digits.toLowerCase().replace(/^0+(?=.)/, '') ? found : undefined;
}

/** Positions count from 1, and from the end if they are below 0. */
function part(of: string, from: number, to: number): string {
  const start = from < 0 ? Math.max(0, of.length + from) : Math.max(0, from - 1);
  return of.slice(start, to < 0 ? of.length + to + 1 : to);
}

function match(of: Value, pattern: Value): Value[] {
  const found = regExpOf(text(pattern)).exec(text(of));
  if (found === null) return [undefined];
  return found.length > 1 ? found.slice(1) : [found[0]];
}

function format(pattern: Value, ...args: Value[]): string {
  let i = 0;
  return text(pattern).replace(
    /%(?:%|\.(\d+)f|(?:0(\d+))?d|[a-z])/g,
    (all, digits: string | undefined, width = '0') => {
      if (all === '%%') return '%';
      const value = args[i++];
      if (digits !== undefined) return number(value).toFixed(Number(digits));
      if (all.endsWith('d')) return String(Math.trunc(number(value))).padStart(Number(width), '0');
      if (all === '%s') return shown(value);
      throw new LuaError(`"${all}" is not known here`);
    },
  );
}

function each(of: Value): Value[] {
  const keys = [...table(of).keys()];
  let i = 0;
  const next: LuaFunction = () => {
    while (i < keys.length) {
      const key = keys[i++];
      const value = table(of).get(key);
      if (value !== undefined) return [key, value];
    }
    return [undefined];
  };
  return [next];
}

const inOrder: LuaFunction = (of, i) => {
  const at = number(i) + 1;
  const value = table(of).get(at);
  return value === undefined ? [undefined] : [at, value];
};

function insert(of: LuaTable, ...rest: Value[]): void {
  if (rest.length < 2) return of.set(of.length + 1, rest[0]);
  for (let i = of.length; i >= number(rest[0]); i--) of.set(i + 1, of.get(i));
  of.set(rest[0], rest[1]);
}

function remove(of: LuaTable, at: number): Value {
  const { length } = of;
  const value = of.get(at);
  if (value === undefined) return undefined;
  for (let i = at; i <= length; i++) of.set(i, of.get(i + 1));
  return value;
}

/** Without captures: each match as a whole. */
function everyMatch(subject: string, pattern: string): LuaFunction {
  const found = subject.matchAll(new RegExp(regExpOf(pattern), 'g'));
  return () => [found.next().value?.[0]];
}

function sort(of: LuaTable, before?: Value): void {
  const isBefore = (a: Value, b: Value): boolean =>
    typeof before === 'function' ? isTrue(before(a, b)[0]) : (a as string) < (b as string);
  const values = of.list().sort((a, b) => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0));
  values.forEach((value, i) => of.set(i + 1, value));
}

const named = (
  functions: Readonly<Record<string, LuaFunction>>,
  values: Readonly<Record<string, Value>> = {},
): LuaTable => {
  const made = new LuaTable();
  for (const [name, value] of [...Object.entries(functions), ...Object.entries(values)]) made.set(name, value);
  return made;
};

/** The globals of every script, besides `redis`, `KEYS` and `ARGV`. */
export const library = (): Map<string, Value> =>
  new Map<string, Value>([
    ['tonumber', (value, base) => [base === undefined ? numberOf(value) : inBase(text(value), number(base))]],
    ['tostring', (value) => [shown(value)]],
    ['type', (value) => [typeOf(value)]],
    ['ipairs', (of) => [inOrder, table(of), 0]],
    ['pairs', each],
    [
      'unpack',
      (of, from = 1, to = table(of).length) =>
        table(of)
          .list()
          .slice(number(from) - 1, number(to)),
    ],
    [
      'error',
      (what) => {
        throw new LuaError(shown(what));
      },
    ],
    [
      'math',
      named(
        {
          floor: (n) => [Math.floor(number(n))],
          ceil: (n) => [Math.ceil(number(n))],
          abs: (n) => [Math.abs(number(n))],
          min: (...all) => [Math.min(...all.map(number))],
          max: (...all) => [Math.max(...all.map(number))],
        },
        { huge: Infinity },
      ),
    ],
    [
      'string',
      named({
        len: (of) => [text(of).length],
        sub: (of, from, to = -1) => [part(text(of), number(from), number(to))],
        rep: (of, n) => [text(of).repeat(Math.max(0, number(n)))],
        byte: (of, at = 1) => [text(of).charCodeAt(number(at) - 1)],
        char: (...codes) => [String.fromCharCode(...codes.map(number))],
        find: (of, what, from = 1) => {
          const at = text(of).indexOf(text(what), number(from) - 1);
          return at < 0 ? [undefined] : [at + 1, at + text(what).length];
        },
        match,
        gmatch: (of, pattern) => [everyMatch(text(of), text(pattern))],
        format: (pattern, ...args) => [format(pattern, ...args)],
      }),
    ],
    [
      'table',
      named({
        insert: (of, ...rest) => {
          insert(table(of), ...rest);
          return [];
        },
        remove: (of, at = table(of).length) => [remove(table(of), number(at))],
        concat: (of, between = '') => [table(of).list().map(text).join(text(between))],
        sort: (of, before) => {
          sort(table(of), before);
          return [];
        },
      }),
    ],
  ]);
