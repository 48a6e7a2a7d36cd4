import { join } from 'node:path';
import ts from 'typescript';
import { repositoryFiles, root } from './markdown.js';

/** The packages that git knows, by folder: `core`. */
export const packageFolders = (): string[] =>
  repositoryFiles().flatMap((file) => /^packages\/([^/]+)\/package\.json$/.exec(file)?.[1] ?? []);

/** The doors of the packages: `@stream-sessions/core/spi` to its source. */
export function doors(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const folder of packageFolders()) {
    const { exports } = JSON.parse(ts.sys.readFile(join(root, 'packages', folder, 'package.json')) ?? '{}') as {
      exports: Record<string, { types: string } | string>;
    };
    for (const [door, target] of Object.entries(exports)) {
      if (typeof target === 'string') continue;
      const source = target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts');
      found[`@stream-sessions/${folder}${door.slice(1)}`] = join(root, 'packages', folder, source);
    }
  }
  return found;
}

/** Compiles files of the repository, and texts that pretend to be files of it, with the options of all its sources. */
export function compile(files: readonly string[], texts: Readonly<Record<string, string>> = {}): ts.Program {
  const config = ts.readConfigFile(join(root, 'tsconfig.all.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => path in texts || fileExists(path);
  host.readFile = (path) => texts[path] ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = texts[path];
    if (text === undefined) return getSourceFile(path, languageVersion, ...rest);
    return ts.createSourceFile(path, text, languageVersion);
  };
  return ts.createProgram([...files, ...Object.keys(texts)], options, host);
}

/** What a module exports, with aliases followed. */
export function exportsOf(program: ts.Program, file: string): { name: string; symbol: ts.Symbol }[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} is not a module`);
  return checker.getExportsOfModule(module).map((symbol) => ({
    name: symbol.name,
    symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  }));
}

/** The members of an exported interface. */
export function membersOf(program: ts.Program, file: string, name: string): string[] {
  const found = exportsOf(program, file).find((each) => each.name === name);
  if (found === undefined) throw new Error(`${file} exports no ${name}`);
  const checker = program.getTypeChecker();
  return checker
    .getDeclaredTypeOfSymbol(found.symbol)
    .getProperties()
    .map((property) => property.name);
}

/** The literal texts of an exported union, such as `'idle' | 'kicked' | (string & {})`. */
export function wordsOf(program: ts.Program, file: string, name: string): string[] {
  const found = exportsOf(program, file).find((each) => each.name === name);
  const declaration = found?.symbol.declarations?.[0];
  if (declaration === undefined || !ts.isTypeAliasDeclaration(declaration)) throw new Error(`${name} is not a type`);
  const parts = ts.isUnionTypeNode(declaration.type) ? declaration.type.types : [declaration.type];
  return parts.flatMap((part) =>
    ts.isLiteralTypeNode(part) && ts.isStringLiteral(part.literal) ? [part.literal.text] : [],
  );
}
