import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createTracker, fileState } from '@stream-sessions/core';
import { fakeClock } from '@stream-sessions/core/testing';
import { stays, until } from '../../../test/support/until.js';
import { Journal } from '../src/journal/journal.js';
import type { Entry } from '../src/journal/ledger.js';
import { createWebhooks } from '../src/index.js';
import { receiver } from './support/receiver.js';
import { cleanUp, journalFile, silent, stage, watch } from './support/stage.js';

afterEach(cleanUp);

const MIB = 1024 * 1024;
const event = (type: string, length = 0) => ({
  id: `msg_${type}`,
  at: 1,
  type,
  stream_code: 'cam1',
  payload: { text: 'x'.repeat(length) },
});

describe('a restart', () => {
  it('sends what was not delivered, with the same ids and in order, and nothing again', async () => {
    const to = await receiver();
    const first = await stage([{ url: to.url }]);
    const { id } = watch(first.tracker, 'cam1');
    first.clock.advance(50);
    await to.until(1);
    await until('it is known to be taken', () => first.webhooks.endpoints()[0]!.queued === 0);
    to.answer = (res) => res.writeHead(500).end();
    first.tracker.kick(id);
    first.clock.advance(50);
    await to.until(2);
    await first.webhooks.stop();
    to.answer = (res) => res.writeHead(204).end();
    await stage([{ url: to.url }], { journal: first.journal });
    await to.until(3);
    expect(to.types()).toEqual(['session.opened', 'session.closed', 'session.closed']);
    expect(to.received[2]!.headers['webhook-id']).toBe(to.received[1]!.headers['webhook-id']);
    await stays('nothing comes again', () => to.received.length === 3, 50);
  });

  it('closes the visits that were lost, and not those that are live', async () => {
    const to = await receiver();
    const first = await stage([{ url: to.url }]);
    const gone = watch(first.tracker, 'cam1', 1);
    const stays1 = watch(first.tracker, 'cam1', 2);
    first.clock.advance(50);
    await to.until(2);
    await first.webhooks.stop();
    // a tracker that has restored one of them
    const clock = fakeClock();
    const tracker = createTracker({ autoStart: false, logger: silent, clock });
    watch(tracker, 'cam1', 2);
    const options = {
      endpoints: [{ url: to.url }],
      journal: first.journal,
      allowPrivateNetworks: true,
      clock,
      logger: silent,
    };
    const webhooks = await createWebhooks(tracker, options);
    await until('the end is written', async () => {
      clock.advance(20);
      return to.received.length >= 3;
    });
    expect(to.received[2]!.json).toMatchObject({ type: 'session.closed', data: { id: gone.id, reason: 'lost' } });
    tracker.kick(stays1.id);
    clock.advance(50);
    await to.until(4);
    expect(to.received[3]!.json).toMatchObject({ type: 'session.closed', data: { id: stays1.id, reason: 'kicked' } });
    await webhooks.stop();
  });

  it('leaves visits that may come back to the tracker, if that restores them', async () => {
    const to = await receiver();
    const clock = fakeClock();
    const state = `${journalFile()}.state`;
    const journal = journalFile();
    const begin = async () => {
      const options = { autoStart: false, logger: silent, clock, deniedRetentionMs: 0, resumeWithinMs: 60_000 };
      const tracker = createTracker({ ...options, state: fileState(state) });
      const endpoints = [{ url: to.url, events: ['session.opened', 'session.resumed', 'session.closed'] }];
      const hooks = { endpoints, journal, allowPrivateNetworks: true, clock, logger: silent };
      return { tracker, webhooks: await createWebhooks(tracker, hooks) };
    };
    const first = await begin();
    const back = watch(first.tracker, 'cam1', 1);
    const away = watch(first.tracker, 'cam1', 2);
    clock.advance(50);
    await to.until(2);
    await first.tracker.stop({ keep: true });
    await first.webhooks.stop();

    const { tracker, webhooks } = await begin();
    watch(tracker, 'cam1', 1);
    clock.advance(50);
    await to.until(3);
    tracker.kick(back.id);
    for (let i = 0; i < 70; i++) {
      clock.advance(1_000);
      tracker.sweep();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await to.until(5);
    await stays('no second end comes', () => to.received.length === 5, 100);
    const told = to.received.slice(2).map(({ json }) => [json.type, json.data.id, json.data.reason]);
    expect(told).toEqual([
      ['session.resumed', back.id, undefined],
      ['session.closed', back.id, 'kicked'],
      ['session.closed', away.id, 'lost'],
    ]);
    await tracker.stop();
    clock.advance(50);
    await webhooks.stop();
  });

  it('closes hundreds of lost visits, each once, and then has none open', async () => {
    const LOST = 300;
    const first = await stage([{ url: 'http://127.0.0.1:9/', events: ['session.closed'] }]);
    for (let n = 0; n < LOST; n++)
      first.tracker.openConn({ stream: 'cam1', protocol: 'srt', remoteAddress: `10.0.0.1:${n + 1}` });
    first.clock.advance(50);
    await first.webhooks.stop();
    const to = await receiver();
    const hook = { url: to.url, name: first.webhooks.endpoints()[0]!.name, events: ['session.closed'] };
    const { clock, webhooks } = await stage([hook], { journal: first.journal });
    await until('all are reported', () => {
      clock.advance(20);
      return to.received.length >= LOST && webhooks.endpoints()[0]!.queued === 0;
    });
    expect(new Set(to.received.map(({ json }) => json.data.id)).size).toBe(LOST);
    expect(new Set(to.received.map(({ json }) => json.data.reason))).toEqual(new Set(['lost']));
    await webhooks.stop();
    await stage([hook], { journal: first.journal });
    await stays('no end comes twice', () => to.received.length === LOST, 50);
  });

  it.each(['null', '7', '{"k":"event"}', '{"k":"event","n":1,"to":[],"event":null}', '{"k":"done","n":"1","e":"old"}'])(
    'reads past a damaged line: %s',
    async (line) => {
      const to = await receiver();
      to.answer = (res) => res.writeHead(500).end();
      const first = await stage([{ url: to.url }]);
      watch(first.tracker, 'cam1');
      first.clock.advance(50);
      await to.until(1);
      await first.webhooks.stop();
      appendFileSync(first.journal, `${line}\n`);
      to.answer = (res) => res.end();
      const { webhooks, clock } = await stage([{ url: to.url }], { journal: first.journal });
      clock.advance(600_000);
      await until('what waited is delivered', () => webhooks.endpoints()[0]?.queued === 0);
      // the first attempt failed
      expect(to.received.slice(0, 2).map(({ json }) => json.type)).toEqual(['session.opened', 'session.opened']);
    },
  );

  it('reads past a line that was cut short, and ignores an endpoint that no longer exists', async () => {
    const to = await receiver();
    to.answer = (res) => res.writeHead(500).end();
    const first = await stage([{ url: to.url, name: 'old' }]);
    watch(first.tracker, 'cam1');
    first.clock.advance(50);
    await to.until(1);
    await first.webhooks.stop();
    appendFileSync(first.journal, 'not json\n{"k":"event","n":9,"to":["old"],"ev');
    const second = await stage([{ url: to.url, name: 'new', events: ['session.denied'] }], { journal: first.journal });
    watch(second.tracker, 'cam2');
    second.clock.advance(50);
    await second.webhooks.stop();
    const lines = readFileSync(first.journal, 'utf8').trimEnd().split('\n');
    expect(lines.filter((line) => line !== 'not json').map((line) => JSON.parse(line).k)).toContain('done');
  });
});

describe('a session that is live when webhooks start', () => {
  it('is reported once, even if it ends while the others are being written', async () => {
    const to = await receiver();
    const clock = fakeClock();
    const tracker = createTracker({ autoStart: false, logger: silent, clock });
    const ids = [1, 2].map((n) => watch(tracker, 'cam1', n).id);
    const asked: string[] = [];
    // one that answers later: what it is asked last ends meanwhile
    const get = async (id: string) => {
      await Promise.resolve();
      if (asked.push(id) === 1) for (const other of ids) if (other !== id) tracker.kick(other);
      return tracker.get(id);
    };
    const directory = Object.create(tracker, { get: { value: get } }) as typeof tracker;
    const endpoints = [{ url: to.url, events: ['session.attached', 'session.closed'] }];
    const options = { endpoints, journal: journalFile(), allowPrivateNetworks: true, clock, logger: silent };
    const webhooks = await createWebhooks(directory, options);
    await to.until(2);
    await stays('no more comes', () => to.received.length === 2, 50);
    const told = to.received.map(({ json }) => `${json.type} ${json.data.id}`);
    expect(told.sort()).toEqual([`session.attached ${asked[0]}`, `session.closed ${asked[1]}`]);
    await webhooks.stop();
  });
});

describe('the journal', () => {
  const opened = async (file: string, maxBytes = 256 * MIB) => Journal.open(file, maxBytes, fakeClock(), silent);
  const add = (journal: Journal, type: string, length: number, to = ['hook']) =>
    new Promise<Entry>((resolve) => journal.add(event(type, length), to, undefined, resolve));

  it('is readable by its owner alone, and synced within 50 ms', async () => {
    const file = journalFile();
    const clock = fakeClock();
    const journal = await Journal.open(file, MIB, clock, silent);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await expect(opened(file)).rejects.toMatchObject({ code: 'ERR_WEBHOOKS_IN_USE' });
    const synced = jest.fn();
    journal.add(event('session.opened'), ['hook'], undefined, synced);
    clock.advance(50);
    await until('it is synced', () => synced.mock.calls.length === 1);
    expect(readFileSync(file, 'utf8')).toContain('session.opened');
    await journal.close();
  });

  it('is rewritten when most of it is delivered, and keeps the rest', async () => {
    const file = journalFile();
    const journal = await opened(file);
    const kept = add(journal, 'session.kept', 1000);
    const done = Array.from({ length: 20 }, () => add(journal, 'session.opened', MIB / 2));
    void journal.note({ k: 'gone', e: 'other' });
    for (const entry of await Promise.all(done)) void journal.note({ k: 'done', n: entry.place.n, e: 'hook' });
    const late = add(journal, 'session.late', 10);
    await journal.note({ k: 'dead', n: (await kept).place.n, e: 'hook', at: 5, error: 'no' });
    await late;
    expect((await journal.read((await kept).place)).payload).toEqual(event('session.kept', 1000).payload);
    await journal.close();
    expect(statSync(file).size).toBeLessThan(10_000);
    const again = await opened(file);
    expect([...again.ledger.entries.values()].map(({ type }) => type).sort()).toEqual(['session.kept', 'session.late']);
    expect([...again.ledger.entries.values()][0]!.dead.get('hook')).toEqual({ at: 5, error: 'no' });
    expect([...again.ledger.gone]).toEqual(['other']);
    await again.close();
  });

  it('stays within its limit: refused clients are dropped first, then the oldest events, and all are counted', async () => {
    const file = journalFile();
    const journal = await opened(file, 4 * MIB);
    for (let i = 0; i < 8; i++) void add(journal, i % 2 ? 'session.denied' : 'session.opened', MIB / 2 - 1000);
    expect(journal.dropped).toBe(0);
    void add(journal, 'session.closed', MIB / 2);
    const types = () =>
      [...journal.ledger.entries.values()]
        .map(({ type }) => type)
        .join()
        .replaceAll('session.', '');
    expect([journal.dropped, types()]).toEqual([2, 'opened,opened,opened,denied,opened,denied,closed']);
    for (let i = 0; i < 4; i++) void add(journal, 'session.closed', MIB / 2);
    expect(types()).not.toContain('denied');
    expect(types()).toMatch(/^opened.*closed$/);
    expect(journal.ledger.liveBytes).toBeLessThan(4 * MIB);
    await journal.close();
    expect(statSync(file).size).toBeLessThan(13 * MIB);
  });

  it('loses and counts what cannot be written, and continues', async () => {
    const file = journalFile();
    const journal = await opened(file);
    const append = jest.spyOn(Object.getPrototypeOf((journal as any).file), 'append');
    append.mockRejectedValueOnce(new Error('ENOSPC'));
    journal.add(event('session.opened'), ['hook'], undefined, () => undefined);
    await journal.note({ k: 'gone', e: 'x' });
    expect(journal.dropped).toBe(1);
    const entry = add(journal, 'session.closed', 10);
    await journal.note({ k: 'back', e: 'x' });
    expect((await journal.read((await entry).place)).type).toBe('session.closed');
    await journal.close();
  });

  it('throws at once if it cannot be opened', async () => {
    const file = journalFile();
    writeFileSync(file, '');
    await expect(stage([], { journal: `${file}/below` })).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});

it('the journal writes what it is given at the very moment when a write ends', async () => {
  const journal = await Journal.open(journalFile(), MIB, fakeClock(), silent);
  // one of these many steps behind the end of a write is between its last look for more, and its being over
  for (let steps = 0; steps < 12; steps++) {
    await new Promise<void>((resolve) => {
      const later = async (): Promise<void> => {
        for (let i = 0; i < steps; i++) await Promise.resolve();
        await journal.written();
        resolve();
      };
      journal.add(event('session.opened'), ['a'], undefined, () => void later());
      void journal.written();
    });
  }
  await journal.close();
});
