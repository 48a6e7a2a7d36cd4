import { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import ts from 'typescript';
import { compile } from './compiler.js';
import { type Block, root } from './markdown.js';

/** What the compiler says against these blocks, as `file:line message`. */
export function complaints(blocks: readonly Block[]): string[] {
  const texts: Record<string, string> = {};
  const where: Record<string, Block> = {};
  blocks.forEach((block, index) => {
    // .mts: modules, so that they may await at the top. One that is named is imported by others
    const path = join(root, 'test/docs', block.info.endsWith('.ts') ? block.info : `snippet-${index}.mts`);
    texts[path] = `${block.code}\nexport {};\n`;
    where[path] = block;
  });
  const program = compile([], texts);
  return Object.entries(where).flatMap(([path, { file, line }]) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => {
      const at = line + 1 + (source?.getLineAndCharacterOfPosition(start).line ?? 0);
      return `${file}:${at} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

/** A program that has run as far as its end; what it listens on may still be open. */
export interface Ran {
  /** What it wrote to the console. */
  readonly output: readonly string[];
  /** Where its first server listens. */
  readonly url: string;
}

const servers = new Set<Server>();

/** As Jest maps it: the packages from their sources. */
const requireHere: NodeJS.Require = require;

const transpile = (code: string): string => {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  return ts.transpileModule(code, { compilerOptions }).outputText;
};

/** Loads the named blocks of a page as modules that import each other, the last of them at once. */
export function load(blocks: readonly Block[]): void {
  const loaded: Record<string, object> = {};
  for (const { info, code } of blocks) {
    const exports = (loaded[`./${info.replace(/\.ts$/, '.js')}`] = {});
    const find = (name: string): unknown => loaded[name] ?? requireHere(name);
    compileFunction(transpile(code), ['require', 'exports'])(find, exports);
  }
}

/** Runs a block as a module, from the sources. A server of it listens on a free port of 127.0.0.1, whatever it asks for. */
export async function run({ code }: Block): Promise<Ran> {
  const script = transpile(code);
  const output: string[] = [];
  const heard: Server[] = [];
  const listen = jest.spyOn(Server.prototype, 'listen').mockImplementation(function (
    this: Server,
    ...wanted: unknown[]
  ) {
    heard.push(this);
    servers.add(this);
    listen.mockRestore();
    const listening = wanted.find((each) => typeof each === 'function') as (() => void) | undefined;
    return this.listen(0, '127.0.0.1', listening);
  });
  const console = { ...globalThis.console, log: (...parts: unknown[]) => output.push(parts.map(String).join(' ')) };
  const AsyncFunction = run.constructor as new (...source: string[]) => (...args: unknown[]) => Promise<void>;
  await new AsyncFunction('require', 'exports', 'console', script)(requireHere, {}, console);
  listen.mockRestore();
  const [server] = heard;
  if (server !== undefined && !server.listening) await new Promise((resolve) => server.once('listening', resolve));
  const url = server === undefined ? '' : `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { output, url };
}

/** For `afterEach`. */
export async function closeServers(): Promise<void> {
  for (const server of servers) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
  servers.clear();
}

/** What a block says that it writes: in the comment behind `console.log(…);`, or behind what makes a listener write, `// prints …`. */
export const promisedOutput = ({ code }: Block): string[] =>
  [...code.matchAll(/^.*?(?:console\.log\(.*\); \/\/|\/\/ prints) (.+)$/gm)].map(([, text = '']) => text);
