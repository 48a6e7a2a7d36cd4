import { ExpressionParser } from './expressions.js';
import { BROKEN, Frame, genericLoop, numericLoop, valuesOf, type Statement } from './nodes.js';
import { tokensOf } from './tokens.js';
import { isTrue, type LuaFunction, type Value } from './values.js';

/**
 * Parses a script in Redis's Lua 5.1, as far as the steps of this package use it: no methods, no `repeat`, no long strings.
 * Anything unsupported is an error when the script is parsed.
 */
export function parse(source: string, globals: ReadonlyMap<string, Value>): () => Value[] {
  const run = new Parser(tokensOf(source), globals).script();
  return () => run();
}

class Parser extends ExpressionParser {
  script(): LuaFunction {
    const body = this.block();
    if (this.token.kind !== 'end') throw this.unexpected();
    return () => valuesOf(body(new Frame(undefined)));
  }

  protected override block(): Statement {
    this.scope.open();
    const statements: Statement[] = [];
    while (this.token.kind !== 'end' && !['end', 'else', 'elseif'].some((word) => this.is(word))) {
      const isLast = this.is('return');
      statements.push(this.statement());
      this.accept(';');
      if (isLast) break;
    }
    this.scope.close();
    return (frame) => {
      for (const statement of statements) {
        const ending = statement(frame);
        if (ending !== undefined) return ending;
      }
      return undefined;
    };
  }

  private statement(): Statement {
    if (this.accept('local')) return this.accept('function') ? this.localFunction() : this.local();
    if (this.accept('if')) return this.condition();
    if (this.accept('while')) return this.whileLoop();
    if (this.accept('for')) return this.forLoop();
    if (this.accept('do')) return this.blockUntilEnd();
    if (this.accept('break')) return () => BROKEN;
    if (this.accept('return')) return this.returned();
    return this.assignmentOrCall();
  }

  private local(): Statement {
    const names = [this.name()];
    while (this.accept(',')) names.push(this.name());
    const values = this.accept('=') ? this.list() : () => [];
    // the names are in scope from here on, not in the values
    const slots = names.map((name) => this.scope.declare(name));
    return (frame) => {
      const given = values(frame);
      slots.forEach((slot, i) => (frame.locals[slot] = given[i]));
      return undefined;
    };
  }

  private localFunction(): Statement {
    const slot = this.scope.declare(this.name());
    const made = this.functionBody();
    return (frame) => {
      frame.locals[slot] = made.one(frame);
      return undefined;
    };
  }

  private condition(): Statement {
    const test = this.expression();
    this.expect('then');
    const then = this.block();
    let otherwise: Statement | undefined;
    if (this.accept('elseif')) otherwise = this.condition();
    else otherwise = this.accept('else') ? this.blockUntilEnd() : void this.expect('end');
    return (frame) => (isTrue(test.one(frame)) ? then(frame) : otherwise?.(frame));
  }

  private whileLoop(): Statement {
    const test = this.expression();
    this.expect('do');
    const body = this.blockUntilEnd();
    return (frame) => {
      while (isTrue(test.one(frame))) {
        const ending = body(frame);
        if (ending === BROKEN) break;
        if (ending !== undefined) return ending;
      }
      return undefined;
    };
  }

  private forLoop(): Statement {
    const names = [this.name()];
    while (this.accept(',')) names.push(this.name());
    const isNumeric = this.accept('=');
    if (!isNumeric) this.expect('in');
    const values = this.list();
    this.expect('do');
    this.scope.open();
    const slots = names.map((name) => this.scope.declare(name));
    const body = this.blockUntilEnd();
    this.scope.close();
    return isNumeric ? numericLoop(slots[0] as number, values, body) : genericLoop(slots, values, body);
  }

  private returned(): Statement {
    const isEmpty = this.token.kind === 'end' || ['end', 'else', 'elseif', ';'].some((word) => this.is(word));
    const values = isEmpty ? () => [] : this.list();
    return (frame) => values(frame);
  }

  private assignmentOrCall(): Statement {
    const first = this.suffixed();
    if (!this.is('=') && !this.is(',')) {
      const { all } = first;
      if (all === undefined) throw this.unexpected('=');
      return (frame) => void all(frame);
    }
    const targets = [first];
    while (this.accept(',')) targets.push(this.suffixed());
    this.expect('=');
    const values = this.list();
    const assigns = targets.map(({ assign }) => {
      if (assign === undefined) throw this.unexpected('something that can be set');
      return assign;
    });
    return (frame) => {
      const given = values(frame);
      assigns.forEach((assign, i) => assign(frame, given[i]));
      return undefined;
    };
  }
}
