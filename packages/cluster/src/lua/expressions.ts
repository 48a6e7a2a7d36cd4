import {
  allOf,
  called,
  Frame,
  indexed,
  joined,
  localAt,
  Scope,
  valuesOf,
  type Expression,
  type Statement,
} from './nodes.js';
import { BINDING, UNARY, UNARY_BINDING } from './operators.js';
import type { Token } from './tokens.js';
import { LuaError, LuaTable, type LuaFunction, type Value } from './values.js';

/** Parses expressions. Function expressions contain a block. */
export abstract class ExpressionParser {
  private at = 0;
  protected scope = new Scope(undefined);

  constructor(
    private readonly tokens: readonly Token[],
    private readonly globals: ReadonlyMap<string, Value>,
  ) {}

  protected abstract block(): Statement;

  protected get token(): Token {
    return this.tokens[this.at] as Token;
  }

  protected is(value: string): boolean {
    const { kind } = this.token;
    return (kind === 'word' || kind === 'sign') && this.token.value === value;
  }

  protected accept(value: string): boolean {
    if (!this.is(value)) return false;
    this.at++;
    return true;
  }

  protected expect(value: string): void {
    if (!this.accept(value)) throw this.unexpected(value);
  }

  protected name(): string {
    if (this.token.kind !== 'name') throw this.unexpected('a name');
    return (this.tokens[this.at++] as Token).value;
  }

  protected unexpected(instead?: string): LuaError {
    const { value, line } = this.token;
    return new LuaError(
      `line ${line}: "${value}"${instead === undefined ? ' is not known here' : ` instead of ${instead}`}`,
    );
  }

  protected blockUntilEnd(): Statement {
    const body = this.block();
    this.expect('end');
    return body;
  }

  /** A list of expressions: the last one contributes all of its values. */
  protected list(): (frame: Frame) => Value[] {
    const expressions = [this.expression()];
    while (this.accept(',')) expressions.push(this.expression());
    return allOf(expressions);
  }

  protected expression(above = 0): Expression {
    let left = this.unary();
    for (;;) {
      const { value } = this.token;
      const binding = this.token.kind === 'sign' || this.token.kind === 'word' ? BINDING[value] : undefined;
      if (binding === undefined || binding[0] <= above) return left;
      this.at++;
      left = joined(value, left, this.expression(binding[1]));
    }
  }

  private unary(): Expression {
    for (const [sign, work] of Object.entries(UNARY)) {
      if (!this.accept(sign)) continue;
      const of = this.expression(UNARY_BINDING);
      return { one: (frame) => work(of.one(frame)) };
    }
    return this.simple();
  }

  private simple(): Expression {
    const { kind, value } = this.token;
    if (kind === 'number' || kind === 'text') {
      this.at++;
      const constant = kind === 'number' ? Number(value) : value;
      return { one: () => constant };
    }
    if (this.accept('nil')) return { one: () => undefined };
    if (this.accept('true')) return { one: () => true };
    if (this.accept('false')) return { one: () => false };
    if (this.accept('...')) return { one: ({ rest }) => rest[0], all: ({ rest }) => [...rest] };
    if (this.accept('function')) return this.functionBody();
    if (this.is('{')) return this.table();
    return this.suffixed();
  }

  protected suffixed(): Expression {
    let of = this.primary();
    for (;;) {
      if (this.accept('.')) {
        const name = this.name();
        of = indexed(of, { one: () => name });
      } else if (this.accept('[')) {
        of = indexed(of, this.expression());
        this.expect(']');
      } else if (this.accept('(')) {
        const values = this.is(')') ? () => [] : this.list();
        this.expect(')');
        of = called(of, values);
      } else return of;
    }
  }

  private primary(): Expression {
    if (this.accept('(')) {
      const { one } = this.expression();
      this.expect(')');
      return { one };
    }
    const { line } = this.token;
    const name = this.name();
    let depth = 0;
    for (let scope: Scope | undefined = this.scope; scope !== undefined; scope = scope.up, depth++) {
      const slot = scope.find(name);
      if (slot !== undefined) return localAt(depth, slot);
    }
    if (!this.globals.has(name)) throw new LuaError(`line ${line}: there is no "${name}"`);
    const { globals } = this;
    return { one: () => globals.get(name) };
  }

  protected functionBody(): Expression {
    this.expect('(');
    const scope = new Scope(this.scope);
    this.scope = scope;
    const slots: number[] = [];
    while (!this.accept(')')) {
      if (!this.accept('...')) slots.push(scope.declare(this.name()));
      if (!this.is(')')) this.expect(',');
    }
    const body = this.blockUntilEnd();
    this.scope = scope.up as Scope;
    const made = (up: Frame): LuaFunction => {
      return (...args) => {
        const frame = new Frame(up, args.slice(slots.length));
        slots.forEach((slot, i) => (frame.locals[slot] = args[i]));
        return valuesOf(body(frame));
      };
    };
    return { one: made };
  }

  private table(): Expression {
    this.expect('{');
    const named: [Expression, Expression][] = [];
    const listed: Expression[] = [];
    while (!this.accept('}')) {
      if (this.accept('[')) {
        const key = this.expression();
        this.expect(']');
        this.expect('=');
        named.push([key, this.expression()]);
      } else if (this.token.kind === 'name' && this.tokens[this.at + 1]?.value === '=') {
        const name = this.name();
        this.expect('=');
        named.push([{ one: () => name }, this.expression()]);
      } else listed.push(this.expression());
      if (!this.accept(',') && !this.accept(';') && !this.is('}')) throw this.unexpected('}');
    }
    const values = allOf(listed);
    return {
      one: (frame) => {
        const table = LuaTable.of(values(frame));
        for (const [key, value] of named) table.set(key.one(frame), value.one(frame));
        return table;
      },
    };
  }
}
