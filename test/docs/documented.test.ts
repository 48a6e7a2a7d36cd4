import { EventEmitter } from 'node:events';
import { CLOSE_REASONS } from '@stream-sessions/core/spi';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import ts from 'typescript';
import { WebSocketServer } from 'ws';
import { createTracker } from '@stream-sessions/core';
import { sessionsApi, trackPlayback, trackStream } from '@stream-sessions/express-middleware';
import { historyApi, openHistory } from '@stream-sessions/history';
import { openMaxMind } from '@stream-sessions/geoip';
import { metricsHandler } from '@stream-sessions/metrics';
import { attachSrt, createSrtServer } from '@stream-sessions/srt-adapter';
import { createWebhooks, webhooksApi } from '@stream-sessions/webhooks';
import { attachWebSocketServer, createVncProxy } from '@stream-sessions/websocket-adapter';
import { joinCluster, redisLink, workerLink } from '@stream-sessions/cluster';
import { createConnectionTracker, heartbeatApi } from '@stream-sessions/heartbeats';
import { createSources, httpDriver, kubernetesDriver, processDriver } from '@stream-sessions/on-demand';
import { passBook, passesApi, passPolicy } from '@stream-sessions/passes';
import * as policies from '@stream-sessions/policies';
import { createManager, localStorage, sessionHeader } from '@stream-sessions/session-store';
import { connectRedis, redisStorage } from '@stream-sessions/session-store/redis';
import { compile, doors, exportsOf, membersOf, packageFolders, wordsOf } from './support/compiler.js';
import { codeHeadings, namesUnder, read, root, section, tableUnder } from './support/markdown.js';

const entrances = doors();
const core = entrances['@stream-sessions/core'] as string;
const program = compile(Object.values(entrances));
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

/** All sources of the packages, as one text. */
const sources = packageFolders()
  .flatMap((folder) =>
    readdirSync(join(root, 'packages', folder, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, 'packages', folder, 'src', file), 'utf8')),
  )
  .join('\n');

/** The names that a function says it knows, when it is given one that nothing resembles. */
async function known(call: (options: never) => unknown): Promise<string[]> {
  try {
    await call({ [`${'zq'.repeat(20)}`]: 1 } as never);
  } catch (error) {
    const [, names] = /Known: (.*)\.$/.exec((error as Error).message) ?? [];
    if (names !== undefined) return sorted(names.split(', '));
  }
  throw new Error('it took an unknown option, or did not say what it knows');
}

it('options that are undefined count as not given, also for exactOptionalPropertyTypes', () => {
  const looks = Object.values(entrances).flatMap((file) => exportsOf(program, file));
  const options = looks.filter(({ name }) => /(Options|Config|Filter|Query|Hit)$/.test(name));
  const members = options.flatMap(({ name, symbol }) =>
    (symbol.declarations ?? []).flatMap((declaration) =>
      ts.isInterfaceDeclaration(declaration)
        ? declaration.members.filter(ts.isPropertySignature).map((member) => ({ name, member }))
        : [],
    ),
  );
  expect(members.length).toBeGreaterThan(200);
  const strict = members.filter(
    ({ member: { questionToken, type } }) => questionToken && !/\| undefined$/.test(type?.getText() ?? ''),
  );
  expect(strict.map(({ name, member }) => `${name}.${member.name.getText()}`)).toEqual([]);
});

describe('docs/options.md', () => {
  const tracker = createTracker();
  const hot = namesUnder('docs/options.md', 'Changeable while running');
  const fixed = namesUnder('docs/options.md', 'Fixed');

  it('lists the options of createTracker, and which of them can change', async () => {
    expect(sorted([...hot, ...fixed])).toEqual(await known((options) => createTracker(options)));
    expect(sorted(hot)).toEqual(await known((options) => tracker.updateConfig(options)));
    expect(sorted([...hot, ...fixed])).toEqual(sorted(membersOf(program, core, 'TrackerOptions')));
  });

  it('lists the options of identity', async () => {
    const documented = sorted(namesUnder('docs/options.md', 'Identity'));
    expect(documented).toEqual(await known((identity) => createTracker({ identity })));
    expect(documented).toEqual(sorted(membersOf(program, core, 'IdentityOptions')));
  });

  it('lists the fields of a filter', async () => {
    const documented = sorted(namesUnder('docs/options.md', 'list, count and kickAll'));
    expect(documented).toEqual(await known((filter) => tracker.list(filter)));
    expect(documented).toEqual(sorted(membersOf(program, core, 'SessionFilter')));
  });

  it.each([
    ['kick and kickAll', 'KickOptions'],
    ['deny', 'DenyOptions'],
    ['addSink', 'SinkOptions'],
  ])('lists the options of %s', (heading, type) => {
    expect(sorted(namesUnder('docs/options.md', heading))).toEqual(sorted(membersOf(program, core, type)));
  });

  it('lists the fields that a denial can name', () => {
    const text = section('docs/options.md', 'deny').split('The target is')[1] ?? '';
    const mentioned = [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
    expect(sorted(mentioned)).toEqual(sorted(membersOf(program, core, 'DenialTarget')));
  });

  it('lists the options of trackPlayback, trackStream, sessionsApi, metricsHandler, createWebhooks, webhooksApi and openMaxMind', async () => {
    const options = (heading: string) => sorted(namesUnder('docs/options.md', heading));
    expect(options('trackPlayback')).toEqual(await known((given) => trackPlayback(tracker, given)));
    expect(options('trackStream')).toEqual(await known((given) => trackStream(tracker, given)));
    expect(options('sessionsApi')).toEqual(await known((given) => sessionsApi(tracker, given)));
    expect(options('metricsHandler')).toEqual(await known((given) => metricsHandler(tracker, given)));
    expect(options('createWebhooks')).toEqual(await known((given) => createWebhooks(tracker, given)));
    expect(options('webhooksApi')).toEqual(await known((given) => webhooksApi({} as never, given)));
    expect(options('openMaxMind')).toEqual(await known((given) => openMaxMind('', given)));
  });

  it('lists the options of createSrtServer and attachSrt', async () => {
    const options = (heading: string) => sorted(namesUnder('docs/options.md', heading));
    expect(options('createSrtServer')).toEqual(await known((given) => createSrtServer(given)));
    expect(options('attachSrt')).toEqual(await known((given) => attachSrt(new EventEmitter(), tracker, given)));
  });

  it('lists the options of attachWebSocketServer and createVncProxy', async () => {
    expect(sorted(namesUnder('docs/options.md', 'createVncProxy'))).toEqual(await known(createVncProxy));
    const wss = new WebSocketServer({ noServer: true });
    expect(sorted(namesUnder('docs/options.md', 'attachWebSocketServer'))).toEqual(
      await known((given) => attachWebSocketServer(wss, tracker, given)),
    );
  });

  it('lists the options of heartbeats', async () => {
    const options = (heading: string) => sorted(namesUnder('docs/options.md', heading));
    expect(options('createConnectionTracker')).toEqual(await known((given) => createConnectionTracker(tracker, given)));
    const connections = createConnectionTracker(tracker);
    expect(options('heartbeatApi')).toEqual(await known((given) => heartbeatApi(connections, given)));
  });

  it('lists the options of on-demand sources', async () => {
    const options = (heading: string) => sorted(namesUnder('docs/options.md', heading));
    expect(options('createSources')).toEqual(await known((given) => createSources(tracker, given)));
    expect(options('processDriver')).toEqual(await known(processDriver));
    expect(options('httpDriver')).toEqual(await known(httpDriver));
    expect(options('kubernetesDriver')).toEqual(await known(kubernetesDriver));
  });

  it('lists the options of history', async () => {
    expect(sorted(namesUnder('docs/options.md', 'openHistory'))).toEqual(await known(openHistory));
    expect(sorted(namesUnder('docs/options.md', 'historyApi'))).toEqual(
      await known((given) => historyApi({} as never, given)),
    );
  });

  it('lists the options of the session store', async () => {
    const manager = createManager();
    const makers: Record<string, (given: never) => unknown> = {
      createManager,
      localStorage,
      workerLink: (given) => workerLink(given),
      joinCluster: (given) => joinCluster(tracker, given),
      redisLink: (given) => redisLink({ send: async () => null }, given),
      redisStorage: (given) => redisStorage({ send: async () => null }, given),
      connectRedis,
      sessionHeader: (given) => sessionHeader(manager, given),
    };
    for (const [name, make] of Object.entries(makers)) {
      expect([name, sorted(namesUnder('docs/options.md', name))]).toEqual([name, await known(make)]);
    }
    await manager.stop();
  });

  it('lists the options of passes', async () => {
    const options = (heading: string) => sorted(namesUnder('docs/options.md', heading));
    expect(options('passBook')).toEqual(await known(passBook));
    expect(options('passesApi')).toEqual(await known((given) => passesApi(passBook(), given)));
    expect(options('passPolicy')).toEqual(await known((given) => passPolicy(passBook(), given)));
  });

  it('lists the options of the policies', async () => {
    const options = (heading: string) => sorted(namesUnder('docs/options.md', heading));
    for (const [name, make] of Object.entries(policies)) {
      const heading = name.startsWith('sign') && !name.endsWith('Policy') ? 'signUrl and signToken' : name;
      const call = name === 'signUrl' ? (given: never) => policies.signUrl('', given) : (make as (o: never) => unknown);
      expect([name, options(heading)]).toEqual([name, await known(call)]);
    }
  });

  it('states the defaults that are in the code', () => {
    const source = read('packages/core/src/settings/settings.ts');
    const [text] = /const MINUTE = .*;\n\nconst DEFAULTS = \{[\s\S]*?\n\};/.exec(source) ?? [''];
    const defaults = runInNewContext(`${ts.transpile(text)}
DEFAULTS;`) as Record<string, unknown>;
    const documented = tableUnder('docs/options.md', 'Changeable while running').map(([name = '', , value = '']) => [
      name.replaceAll('`', ''),
      value.replace(/[`_']/g, ''),
    ]);
    const inCode = Object.entries(defaults).map(([name, value]) => [name, String(value)]);
    expect(documented).toEqual(expect.arrayContaining(inCode));
    expect(inCode.length).toBeGreaterThan(10);
  });
});

describe('docs/events.md', () => {
  it('lists the events', async () => {
    expect(sorted(codeHeadings('docs/events.md', 3))).toEqual(sorted(membersOf(program, core, 'TrackerEvents')));
  });

  it.each([
    ['opened', 'SessionEvent'],
    ['closed', 'SessionClosedEvent'],
    ['denied', 'DeniedEvent'],
  ])('says what is in `%s`', (event, type) => {
    const text = section('docs/events.md', `\`${event}\``);
    const fields = membersOf(program, core, type).filter((field) => field !== 'seq' && field !== 'occurredAt');
    expect(fields.filter((field) => !text.includes(`\`${field}\``))).toEqual([]);
  });

  it('lists the close reasons', () => {
    expect(sorted(namesUnder('docs/events.md', 'Close reasons'))).toEqual(sorted([...CLOSE_REASONS]));
  });
});

describe('docs/errors.md', () => {
  it('lists the codes that are in the code', () => {
    const thrown = [...sources.matchAll(/new StreamSessionsError\(\s*'(\w+)'/g)].map(([, code = '']) => code);
    expect(sorted(codeHeadings('docs/errors.md', 3).filter((code) => code.startsWith('ERR_')))).toEqual(sorted(thrown));
    expect(thrown.length).toBeGreaterThan(5);
    // a code that is not written out there could not be found here
    expect([...sources.matchAll(/new StreamSessionsError\((?!\s*'ERR_)/g)]).toEqual([]);
  });

  it('lists the warnings that are in the code', () => {
    const sent = [...sources.matchAll(/code: '(STREAM_SESSIONS_\w+)'/g)].map(([, code = '']) => code);
    expect(sorted(codeHeadings('docs/errors.md', 3).filter((code) => !code.startsWith('ERR_')))).toEqual(sorted(sent));
    expect(sources.split('emitWarning(').length - 1).toBe(sent.length);
  });

  it('covers the codes that docstrings mention', () => {
    const mentioned = [...sources.matchAll(/\bERR_\w+/g)].map(([code]) => code);
    const documented = codeHeadings('docs/errors.md', 3);
    expect(sorted(mentioned).filter((code) => !documented.includes(code))).toEqual([]);
  });
});

describe('docs/policies.md', () => {
  it('lists the stages in the order in which they are asked', () => {
    expect(namesUnder('docs/policies.md', 'The order')).toEqual(wordsOf(program, core, 'PolicyStage'));
  });

  it('lists what a yes and a no may carry', () => {
    const fields = [...membersOf(program, core, 'Approval'), ...membersOf(program, core, 'Refusal')];
    const tables = section('docs/policies.md', 'Verdicts').match(/^\| `\w+`/gm) ?? [];
    expect(sorted([...tables.map((cell) => cell.slice(3, -1)), 'allow'])).toEqual(sorted(fields));
  });

  it('mentions every function of a policy', () => {
    const text = read('docs/policies.md');
    const members = membersOf(program, core, 'Policy');
    expect(members.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
  });
});

describe('docs/adapters.md', () => {
  it('lists the members of a handle', () => {
    const members = [...membersOf(program, core, 'ConnHandle'), ...membersOf(program, core, 'RequestHandle')];
    expect(sorted(namesUnder('docs/adapters.md', 'The handle'))).toEqual(sorted(members));
  });

  it('lists the fields of a connection, and the one field of requests that concerns adapters', () => {
    const shown = namesUnder('docs/adapters.md', 'The hit');
    expect(sorted([...shown, 'query', 'url'])).toEqual(sorted([...membersOf(program, core, 'ConnHit'), 'tentative']));
  });
});

describe('docs/reference.md', () => {
  it.each(Object.entries(entrances))('lists what %s exports', (door, file) => {
    const exported = exportsOf(program, file).map(({ name }) => name);
    expect(sorted(namesUnder('docs/reference.md', `\`${door}\``))).toEqual(sorted(exported));
  });

  it('lists the methods of the tracker', () => {
    const methods = membersOf(program, core, 'SessionTracker');
    expect(namesUnder('docs/reference.md', 'The tracker')).toEqual(methods);
  });
});

describe('the sources', () => {
  it.each(Object.entries(entrances))('have a docstring on all that %s exports', (_door, file) => {
    const checker = program.getTypeChecker();
    const silent = exportsOf(program, file)
      .filter(({ symbol }) => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() === '')
      .map(({ name }) => name);
    expect(silent).toEqual([]);
  });
});
