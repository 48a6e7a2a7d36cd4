import {
  createTracker,
  type PlaySession,
  type Policy,
  type SessionTracker,
  type WireSession,
} from '@stream-sessions/core';
import { until } from '../../../test/support/until.js';
import { sessionsApi } from '../src/index.js';
import { closeServers, serve } from './support/serve.js';
import { closeListeners, listen, type Listener } from './support/sse.js';

const PER_SECOND = 500;
/** Changes at one look: what a machine that stood still has missed does not come in one rush. */
const AT_ONCE = 100;
/** Changes that a client may miss, and less than the server keeps for one: whoever misses more begins anew. */
const MISSED = 200;

afterEach(async () => {
  closeListeners();
  await closeServers();
});

/** Every run the same. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const keyOf = (row: WireSession): string => `${row.id} ${row.opened_at}`;

const visitOf = ({ id, openedAt }: PlaySession): string => `${id} ${new Date(openedAt).toISOString()}`;

/** A client as the documentation says: a list, what happens since, and another list where it cannot go on. */
class Mirror {
  readonly rows = new Map<string, WireSession>();
  readonly seen = new Set<string>();
  twice = 0;
  resets = 0;
  private lastId = '';
  private read = 0;
  private listener: Listener | undefined;
  private listing: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    readonly query: string,
    private readonly isPacked: boolean,
  ) {}

  /** It is connected, and has listed what was there before: until then it knows no later place to go on from. */
  get isThere(): boolean {
    return this.listener !== undefined && this.listing === undefined;
  }

  async connect(): Promise<void> {
    const headers: Record<string, string> = this.isPacked ? { 'Accept-Encoding': 'gzip, br' } : {};
    if (this.lastId !== '') headers['Last-Event-ID'] = this.lastId;
    this.listener = await listen(this.url, `/events?${this.query}`, headers);
    this.read = 0;
  }

  disconnect(): void {
    this.take();
    const messages = this.listener?.messages ?? [];
    // what was not looked at comes again
    if (this.read === messages.length) this.lastId = this.listener?.lastId ?? '';
    this.listener?.close();
    this.listener = undefined;
  }

  take(): void {
    const messages = this.listener?.messages ?? [];
    // what comes while it lists waits until all is listed
    while (this.listing === undefined && this.read < messages.length) {
      const { id, event, data } = messages[this.read++]!;
      this.lastId = id;
      if (event === 'reset') {
        // one that had heard nothing begins anew
        if (data.reason !== 'start') this.resets++;
        this.rows.clear();
        this.listing = this.list();
      } else if (event.startsWith('session.') && event !== 'session.denied') {
        if (this.seen.has(id)) this.twice++;
        this.seen.add(id);
        this.put(data.payload, event === 'session.updated');
      }
    }
  }

  async settled(): Promise<void> {
    this.take();
    await this.listing;
    this.take();
  }

  private async list(): Promise<void> {
    let after = '';
    do {
      const response = await fetch(`${this.url}/sessions?visits=all&limit=40&${this.query}&after=${after}`);
      const page = (await response.json()) as { sessions: WireSession[]; next?: string };
      for (const row of page.sessions) this.put(row, false);
      after = encodeURIComponent(page.next ?? '');
    } while (after !== '');
    this.listing = undefined;
  }

  private put(row: WireSession, isUpdate: boolean): void {
    const known = this.rows.get(keyOf(row));
    if (known === undefined ? isUpdate : known.closed_at !== undefined) return;
    if (known === undefined || row.closed_at !== undefined) this.rows.set(keyOf(row), row);
    else if (row.updated_at >= known.updated_at) this.rows.set(keyOf(row), { ...known, ...row });
  }
}

it('a client of the feed ends with the list of the server, whatever its filter and however often it was away', async () => {
  const random = randomNumbers(7);
  let user = 'eve';
  const namer: Policy = { name: 'namer', admit: () => ({ allow: true, userId: user }) };
  const tracker = createTracker({ policies: [namer], closedRetentionMs: 3_600_000, deniedRetentionMs: 0 });
  const { url } = await serve(sessionsApi(tracker, { authorize: () => true }));
  const mirrors = ['', 'stream=cam1', 'kind=input', 'stream=cam2&kind=viewer', ''].map(
    (query, i) => new Mirror(url, query, i % 2 === 0),
  );
  await Promise.all(mirrors.map((mirror) => mirror.connect()));

  /** Bytes of live sessions as they were, to be compared with what a client shows a second later. */
  const history: { at: number; bytes: Map<string, number> }[] = [];
  const late: string[] = [];
  /** Since which change. */
  const away = new Map<Mirror, number>();
  const names = ['eve', 'bob', 'mallory'];
  const change = (): void => {
    const stream = `cam${random(4)}`;
    const ip = `10.0.0.${random(60)}`;
    const live = tracker.list({ status: 'active', limit: 50 });
    const some = live[random(live.length)];
    const what = random(20);
    user = names[random(3)]!;
    if (what < 10) play(tracker, stream, ip, random(5_000));
    else if (what < 13) publish(tracker, stream, ip);
    else if (some === undefined) return;
    else if (what < 15) tracker.tag(some.id, { [`t${random(3)}`]: String(random(100)) });
    else if (what < 17) void tracker.reauthorize({ session: some.id });
    else tracker.kick(some.id, { denyForMs: 0 });
  };
  const start = performance.now();
  let done = 0;
  let lastLook = start;
  let lastChangeAt = start;
  let stoodStillAt = start;
  await until('so much has changed', () => {
    const due = done + Math.min(AT_ONCE, ((performance.now() - lastChangeAt) * PER_SECOND) / 1_000);
    lastChangeAt = performance.now();
    for (; done < due; done++) change();
    const now = performance.now();
    history.push({ at: now, bytes: new Map(tracker.list({ status: 'active' }).map((s) => [visitOf(s), s.bytes])) });
    while (history.length > 1 && history[1]!.at < now - 1_000) history.shift();
    for (const mirror of mirrors) mirror.take();
    // a machine that has others to run stands still: what is late then says nothing
    if (now - lastLook > 60) stoodStillAt = now;
    lastLook = now;
    if (now - start > 2_000 && now - stoodStillAt > 1_000) late.push(...behind(mirrors[4]!, history[0]!));
    const mirror = mirrors[random(4)]!; // the last one stays
    if (random(12) === 0 && mirror.isThere) {
      away.set(mirror, done);
      mirror.disconnect();
    } else if (random(6) === 0 && away.delete(mirror)) void mirror.connect();
    for (const [each, since] of away) if (done - since > MISSED && away.delete(each)) void each.connect();
    return done > 1_500 && now - start > 4_000;
  });
  expect(late).toEqual([]);
  await Promise.all([...away.keys()].map((mirror) => mirror.connect()));

  for (const mirror of mirrors) {
    const differences = async (): Promise<string[]> => {
      await mirror.settled();
      const response = await fetch(`${url}/sessions?visits=all&limit=1000&${mirror.query}`);
      const { sessions, next } = (await response.json()) as { sessions: WireSession[]; next?: string };
      expect([next, sessions.length > 10]).toEqual([undefined, true]);
      const [mine, theirs] = [[...mirror.rows.values()], sessions].map((rows) => new Set(rows.map(shown))) as Shown;
      return [...mine, ...theirs].filter((row) => !(mine.has(row) && theirs.has(row))).sort();
    };
    const query = `"${mirror.query}"`;
    await until(`${query} shows the same`, async () => (await differences()).length === 0).catch(() => undefined);
    expect([query, (await differences()).slice(0, 4)]).toEqual([query, []]);
    expect([query, mirror.twice, mirror.resets]).toEqual([query, 0, 0]);
  }
  await tracker.stop({ timeoutMs: 0 });
});

type Shown = [Set<string>, Set<string>];

/** What is the same whenever one looks. */
function shown(row: WireSession): string {
  const { duration_sec: _grows, connections: _now, ...rest } = row;
  const {
    visit_id: _list,
    session_id: _event,
    viewers: _then,
    reason: _why,
    detail: _detail,
    ...same
  } = rest as Record<string, unknown>;
  return JSON.stringify(same, Object.keys(same).sort());
}

function play(tracker: SessionTracker, stream: string, ip: string, bytes: number): void {
  const { admitted, handle } = tracker.admit({ stream, protocol: 'hls', ip }) as { admitted: boolean; handle?: any };
  if (!admitted) return;
  handle.touch(bytes);
  handle.end();
}

function publish(tracker: SessionTracker, stream: string, ip: string): void {
  const hit = { stream, kind: 'input' as const, protocol: 'rtmp', remoteAddress: `${ip}:1` };
  const { handle } = tracker.admit(hit) as { handle?: any };
  handle?.receive?.(1_000);
}

/** Rows that show fewer bytes than the server did a second ago. */
function behind(mirror: Mirror, then: { bytes: Map<string, number> }): string[] {
  return [...mirror.rows.values()].flatMap((row) => {
    const bytes = then.bytes.get(keyOf(row));
    const isBehind = row.closed_at === undefined && bytes !== undefined && row.bytes < bytes;
    return isBehind ? [`${row.id}: ${row.bytes} < ${bytes}`] : [];
  });
}
