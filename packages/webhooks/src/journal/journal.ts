import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, type Logger, StreamSessionsError } from '@stream-sessions/core';
import { badOption, LineFile, lockFile } from '@stream-sessions/core/spi';
import { type Entry, Ledger, type Needed, type Place } from './ledger.js';
import { isJournal, type JournalRecord, LINE_START, parseRecord, type Sent, type VisitMark } from './records.js';

/** How long lines wait to be batched with others. Milliseconds. */
const BATCH_MS = 20;
/** Less garbage than this is not worth rewriting the file. Bytes. */
const MIN_GARBAGE = 8 * 1024 * 1024;
/** The most unwritten text: beyond this, the disk is too slow. Characters. */
const MAX_UNWRITTEN = 64 * 1024 * 1024;

interface Line {
  readonly text: string;
  /** For the line of an event. */
  readonly place?: Place;
  readonly visit?: string | undefined;
  /** Called when the line has left this process, so that killing the process does not undo it. */
  readonly onWritten?: () => void;
  /** Called when the line is on the disk. */
  readonly onSynced?: () => void;
}

/**
 * What has to be sent, and what became of it, in a file that outlives the process: appended and synced in batches, and rewritten
 * once most of it is done.
 */
export class Journal {
  readonly ledger = new Ledger();
  /** Events that were lost because there was no room. */
  dropped = 0;
  private lines: Line[] = [];
  private unwritten = 0;
  private timer: unknown = undefined;
  private writing: Promise<void> | undefined = undefined;

  private constructor(
    private file: LineFile,
    private readonly unlock: () => void,
    private readonly maxBytes: number,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** @throws StreamSessionsError ERR_WEBHOOKS_IN_USE, ERR_BAD_OPTION; Error if the file cannot be created or read */
  static async open(file: string, maxBytes: number, clock: Clock, logger: Logger): Promise<Journal> {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const unlock = lockFile(path.resolve(file), (pid) => inUse(file, pid));
    let opened: LineFile | undefined;
    try {
      opened = await LineFile.open(file);
      // before what looks like half a line at its end is removed
      if (!isJournal(await opened.read(0, LINE_START.length)))
        throw badOption('journal', 'a file that webhooks have written, or a new one', file);
      const journal = new Journal(opened, unlock, maxBytes, clock, logger);
      const { ledger } = journal;
      await opened.readAll((text, offset, length) => {
        const record = parseRecord(text);
        if (record !== undefined) ledger.apply(record, offset, length);
      });
      return journal;
    } catch (error) {
      await opened?.close();
      unlock();
      throw error;
    }
  }

  /** `onSynced`: it may be sent now, if there is anyone to send it to. */
  add(event: Sent, to: readonly string[], mark: VisitMark | undefined, onSynced: (entry: Entry) => void): void {
    const limit = event.type === 'session.denied' ? MAX_UNWRITTEN / 2 : MAX_UNWRITTEN;
    if (this.unwritten > limit) return this.lose(1);
    const record: JournalRecord = {
      k: 'event',
      n: this.ledger.next,
      to,
      ...(mark === undefined ? {} : { mark }),
      event,
    };
    const text = `${JSON.stringify(record)}\n`;
    const entry = this.ledger.apply(record, -1, Buffer.byteLength(text)) as Entry;
    const { place, visit } = entry;
    this.write({ text, place, visit, ...(to.length === 0 ? {} : { onSynced: () => onSynced(entry) }) });
    if (this.ledger.liveBytes > this.maxBytes) this.makeRoom();
    return undefined;
  }

  /** Resolves when killing the process can no longer undo the record. */
  note(record: Exclude<JournalRecord, { k: 'event' }>): Promise<void> {
    this.ledger.apply(record, -1, 0);
    return this.writeNow(lineOf(record));
  }

  /** Resolves when killing the process can no longer undo what was added so far. */
  written(): Promise<void> {
    return this.writeNow('');
  }

  /** @throws Error if it cannot be read */
  async read(place: Place): Promise<Sent> {
    for (let tries = 1; ; tries++) {
      try {
        const record = parseRecord(await this.file.read(place.offset, place.length));
        if (record?.k === 'event' && record.n === place.n) return record.event;
        throw new Error('the journal does not have it');
      } catch (error) {
        // the file was rewritten at this very moment
        if (tries === 3) throw error;
      }
    }
  }

  /** Resolves when everything passed to it is on the disk. */
  async close(): Promise<void> {
    while (this.lines.length > 0 || this.writing !== undefined) await this.flush();
    await this.file.close();
    this.unlock();
  }

  private writeNow(text: string): Promise<void> {
    return new Promise((onWritten) => {
      this.write({ text, onWritten });
      void this.flush();
    });
  }

  private write(line: Line): void {
    this.lines.push(line);
    this.unwritten += line.text.length;
    this.timer ??= this.clock.setTimeout(() => void this.flush(), BATCH_MS);
  }

  private flush(): Promise<void> {
    if (this.timer !== undefined) this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined;
      // whatever came between its last check and now
      if (this.lines.length > 0) void this.flush();
    });
    return this.writing;
  }

  private async writeAll(): Promise<void> {
    while (this.lines.length > 0) {
      const lines = this.lines;
      this.lines = [];
      this.unwritten = 0;
      await this.append(lines);
      const { liveBytes } = this.ledger;
      if (this.file.size - liveBytes > Math.max(MIN_GARBAGE, liveBytes)) await this.rewrite();
    }
  }

  private async append(lines: readonly Line[]): Promise<void> {
    try {
      await this.file.append(lines.map(({ text }) => text).join(''), () => {
        let end = this.file.size;
        for (const { text, place } of [...lines].reverse()) {
          const length = Buffer.byteLength(text);
          end -= length;
          if (place !== undefined) this.ledger.move(place, end, length);
        }
        for (const { onWritten } of lines) onWritten?.();
      });
      for (const { onSynced } of lines) onSynced?.();
    } catch (error) {
      const events = lines.flatMap(({ place, visit }) => (place === undefined ? [] : { place, visit }));
      this.logger.error({ err: error, events: events.length }, 'webhooks: the journal cannot be written');
      for (const event of events) this.ledger.forget(event);
      this.lose(events.length);
      for (const { onWritten } of lines) onWritten?.();
    }
  }

  /** Copies what is not done to a new file, which replaces this one. Other operations wait meanwhile. */
  private async rewrite(): Promise<void> {
    try {
      const fresh = await LineFile.open(`${this.file.path}.new`, true);
      const places: [place: Place, offset: number, length: number][] = [];
      await fresh.add([...this.ledger.gone].map((e) => lineOf({ k: 'gone', e })).join(''));
      for (const needed of this.ledger.needed()) {
        const { place } = needed;
        if (place.offset < 0 || place.length === 0) continue; // its line is still to be written, or no longer needed
        const sent = await this.read(place);
        const [event, ...others] = linesOf(needed, this.ledger.isOpen(needed), sent);
        places.push([place, fresh.size, Buffer.byteLength(event)]);
        await fresh.add([event, ...others].join(''));
      }
      const old = this.file;
      this.file = await fresh.takePlaceOf(old.path);
      for (const place of places) this.ledger.move(...place);
      await old.close();
    } catch (error) {
      this.logger.error({ err: error }, 'webhooks: the journal cannot be rewritten');
    }
  }

  /** Drops refused clients first, then the oldest events. A tenth more than necessary, so that this is rare. */
  private makeRoom(): void {
    const { ledger } = this;
    const isDenied = (event: Needed | Entry): boolean => 'type' in event && event.type === 'session.denied';
    for (const mayGo of [isDenied, () => true]) {
      for (const event of ledger.needed().filter(mayGo)) {
        if (ledger.liveBytes <= this.maxBytes * 0.9) return;
        const { place, to, dead } = event;
        if (to.size > 0) this.lose(1);
        for (const e of [...to, ...dead.keys()]) this.write({ text: lineOf({ k: 'done', n: place.n, e }) });
        to.clear();
        ledger.forget(event);
      }
    }
  }

  private lose(events: number): void {
    if (events > 0 && this.dropped === 0)
      this.logger.error({}, 'webhooks: events are lost, because the journal has no room');
    this.dropped += events;
  }
}

const lineOf = (record: JournalRecord): string => `${JSON.stringify(record)}\n`;

/** An event in its current state. */
function linesOf(
  { place: { n }, to, dead, visit }: Needed,
  isOpen: boolean,
  event: Sent,
): [event: string, ...others: string[]] {
  const mark: VisitMark | undefined = visit === undefined ? undefined : { visit, is: isOpen ? 'open' : 'over' };
  const all = [...to, ...dead.keys()];
  const first = lineOf({ k: 'event', n, to: all, ...(mark === undefined ? {} : { mark }), event });
  return [first, ...[...dead].map(([e, { at, error }]) => lineOf({ k: 'dead', n, e, at, error }))];
}

/** Two processes would rewrite the file without each other's knowledge, and send everything twice. */
const inUse = (file: string, pid: number | undefined): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_WEBHOOKS_IN_USE',
    `${file} is in use by process ${pid ?? '?'}: a journal of webhooks belongs to one process. If that process is on another ` +
      `host and has ended, remove ${file}.lock-*.`,
  );
