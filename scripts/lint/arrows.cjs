'use strict';
/**
 * Keeps the dependency arrows: adapters, middleware, stores and sinks -> core -> nothing.
 *
 *  - sources of `core` import Node's built-ins and their own files, nothing else;
 *  - sources of every other package import core by its doors, never one another;
 *  - nobody reaches into another package's files; tests and examples use the doors too;
 *  - `@stream-sessions/<name>/testing`, where a contract is, is for tests, never for sources; but the contract of a
 *    package, in its `src/testing`, may be made of what core's has;
 *  - what a package's sources import is declared in that package's `dependencies` or `peerDependencies`;
 *  - inside core a folder imports only folders of lower floors: see `FLOORS`.
 */
const { builtinModules } = require('node:module');
const { readFileSync } = require('node:fs');
const path = require('node:path');

const SCOPE = '@stream-sessions/';
/** Doors of every package, and those of some. */
const DOORS = new Set(['', '/testing']);
const OWN_DOORS = { core: ['/spi'], history: ['/postgres', '/pglite'], 'session-store': ['/redis'] };

/** The folders of core, and the doors that lie beside them. Those of one floor do not know each other. */
const FLOORS = {
  'index.ts': 10,
  testing: 10,
  tracker: 9,
  sweeper: 8,
  admission: 7,
  state: 7,
  lifecycle: 6,
  denials: 6,
  registry: 5,
  session: 4,
  settings: 4,
  'spi.ts': 4,
  identity: 3,
  policy: 3,
  events: 3,
  wire: 3,
  http: 3,
  connections: 3,
  redis: 2,
  types: 2,
  collections: 2,
  support: 1,
};

const messages = {
  prefix: 'Write "node:{{name}}": the prefix says that it is a built-in.',
  outside: '"{{name}}" leaves the package. Import another package by its door, "@stream-sessions/<name>".',
  self: 'Import own files by a relative path, not by the name of this package.',
  door: '"{{name}}" is not a door. Use "@stream-sessions/{{target}}", its "/testing", or a door of its own, as core has "/spi".',
  sibling: 'Packages do not import each other: only "@stream-sessions/core". Hand the thing over as an option instead.',
  testing: '"{{name}}" is for tests: it must not be imported by sources.',
  core: 'core depends on Node alone: "{{name}}" belongs in a package of its own.',
  up: 'An arrow up: "{{from}}" may import folders of lower floors only, and "{{to}}" is none. Pass it down, or move what both need.',
  floor: '"{{folder}}" has no floor. Give it one in scripts/lint/arrows.cjs, and a line in docs/architecture.md.',
  undeclared: '"{{name}}" is not in the dependencies or peerDependencies of {{owner}}/package.json.',
};

/** Where a file lives: its workspace folder ("packages/core"), and whether it is a source that gets published. */
function roomOf(root, filename) {
  const [top, name, area] = path.relative(root, filename).split(path.sep);
  if ((top !== 'packages' && top !== 'examples') || !area) return undefined;
  const isContract = path.relative(path.join(root, top, name, 'src/testing'), filename).split(path.sep)[0] !== '..';
  return { top, name, owner: `${top}/${name}`, isSource: area !== 'test', isContract };
}

function declared(root, owner) {
  const manifest = JSON.parse(readFileSync(path.join(root, owner, 'package.json'), 'utf8'));
  return { ...manifest.dependencies, ...manifest.peerDependencies };
}

const packageOf = (name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/');

/** The id of the message that this import deserves, with its data, or undefined when the arrow is allowed. */
function judge(root, filename, name) {
  const room = roomOf(root, filename);
  const isBuiltin = builtinModules.includes(name) || name.startsWith('node:');
  if (isBuiltin) return name.startsWith('node:') ? undefined : { messageId: 'prefix', data: { name } };
  if (name.startsWith('.') || path.isAbsolute(name)) return judgeRelative(root, filename, name, room);
  if (name.startsWith(SCOPE)) return judgeDoor(name, room);
  if (!room || !room.isSource) return undefined;
  if (room.owner === 'packages/core') return { messageId: 'core', data: { name } };
  if (packageOf(name) in declared(root, room.owner)) return undefined;
  return { messageId: 'undeclared', data: { name, owner: room.owner } };
}

function judgeRelative(root, filename, name, room) {
  const target = roomOf(root, path.resolve(path.dirname(filename), name, 'x'));
  if (room?.owner === 'packages/core' && target?.owner === room.owner) return judgeFloor(root, filename, name);
  if (!target || target.owner === room?.owner) return undefined;
  // the tests of the whole repository share the helpers of the packages' own tests
  const isTestOfAll = !room && !target.isSource;
  return isTestOfAll ? undefined : { messageId: 'outside', data: { name } };
}

/** The folder of core's sources that a file lies in, or the door it is; undefined: it is no source of core. */
function folderOf(root, file) {
  const [first, ...rest] = path.relative(path.join(root, 'packages/core/src'), file).split(path.sep);
  if (first === '..') return undefined;
  return rest.length > 0 ? first : first.replace(/\.js$/, '.ts');
}

function judgeFloor(root, filename, name) {
  const from = folderOf(root, filename);
  const to = folderOf(root, path.resolve(path.dirname(filename), name));
  if (from === undefined || to === undefined || from === to) return undefined;
  const unknown = [from, to].find((folder) => !(folder in FLOORS));
  if (unknown) return { messageId: 'floor', data: { folder: unknown } };
  return FLOORS[to] < FLOORS[from] ? undefined : { messageId: 'up', data: { from, to } };
}

function judgeDoor(name, room) {
  const [, target, door] = /^@stream-sessions\/([^/]+)(.*)$/.exec(name) ?? [];
  if (!target || !(DOORS.has(door) || OWN_DOORS[target]?.includes(door)))
    return { messageId: 'door', data: { name, target: target ?? 'core' } };
  if (!room || !room.isSource) return undefined;
  if (room.top === 'packages' && target === room.name) return { messageId: 'self' };
  if (door === '/testing' && !(room.isContract && target === 'core')) return { messageId: 'testing', data: { name } };
  if (room.top === 'packages' && target !== 'core') return { messageId: 'sibling' };
  return undefined;
}

module.exports = {
  meta: { type: 'problem', docs: { description: 'keep the dependency arrows' }, messages, schema: [] },
  create(context) {
    const check = (node) => {
      if (node?.type !== 'Literal' || typeof node.value !== 'string') return;
      const problem = judge(context.cwd, context.filename, node.value);
      if (problem) context.report({ node, ...problem });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
      TSExternalModuleReference: (node) => check(node.expression),
      'CallExpression[callee.name="require"]': (node) => check(node.arguments[0]),
    };
  },
};
