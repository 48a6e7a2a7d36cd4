import { isTrue, LuaError, LuaTable, numberOf, textOf, typeOf, type Value } from './values.js';

/** Binding strengths; right-associative operators have one more on their left. */
export const BINDING: Readonly<Record<string, readonly [left: number, right: number]>> = {
  or: [1, 1],
  and: [2, 2],
  ...Object.fromEntries(['<', '>', '<=', '>=', '~=', '=='].map((sign) => [sign, [3, 3]])),
  '..': [5, 4],
  ...Object.fromEntries(['+', '-'].map((sign) => [sign, [6, 6]])),
  ...Object.fromEntries(['*', '/', '%'].map((sign) => [sign, [7, 7]])),
  '^': [10, 9],
};
export const UNARY_BINDING = 8;

function operand(value: Value): number {
  const number = numberOf(value);
  if (number === undefined) throw new LuaError(`attempt to perform arithmetic on a ${typeOf(value)} value`);
  return number;
}

function piece(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return textOf(value);
  throw new LuaError(`attempt to concatenate a ${typeOf(value)} value`);
}

function isLess(a: Value, b: Value): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  throw new LuaError(`attempt to compare ${typeOf(a)} with ${typeOf(b)}`);
}

/** All but `and` and `or`, which do not always evaluate both sides. */
export const BINARY: Readonly<Record<string, (a: Value, b: Value) => Value>> = {
  '+': (a, b) => operand(a) + operand(b),
  '-': (a, b) => operand(a) - operand(b),
  '*': (a, b) => operand(a) * operand(b),
  '/': (a, b) => operand(a) / operand(b),
  '%': (a, b) => operand(a) - Math.floor(operand(a) / operand(b)) * operand(b),
  '^': (a, b) => operand(a) ** operand(b),
  '..': (a, b) => piece(a) + piece(b),
  '==': (a, b) => a === b,
  '~=': (a, b) => a !== b,
  '<': (a, b) => isLess(a, b),
  '>': (a, b) => isLess(b, a),
  '<=': (a, b) => !isLess(b, a),
  '>=': (a, b) => !isLess(a, b),
};

export const UNARY: Readonly<Record<string, (a: Value) => Value>> = {
  '-': (a) => -operand(a),
  not: (a) => !isTrue(a),
  '#': (a) => {
    if (typeof a === 'string' || a instanceof LuaTable) return a.length;
    throw new LuaError(`attempt to get length of a ${typeOf(a)} value`);
  },
};
