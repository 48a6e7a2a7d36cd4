import { badSession, badType } from '../errors.js';
import { encodeData, type Changes, type SessionRecord } from '../record/record.js';
import { needId } from './session-id.js';

/** What a session is for. Types of your own are allowed. */
export type SessionType = 'mcp' | 'sse' | 'streamable' | (string & {});

/** The longest name of a type, and the longest metadata key. */
const MAX_NAME = 256;

/** What a manager knows about a session and may change, but its users may not. */
export interface SessionState {
  createdAt: number;
  updatedAt: number;
  /** As last read or written; undefined for one that was never stored. */
  record: SessionRecord | undefined;
  text: string | undefined;
  /** This session's own copy, once the data was read or set. */
  data: { value: unknown } | undefined;
  metadata: Map<string, string | undefined> | undefined;
  now: () => number;
  holder: Holder | undefined;
}

/** Tells the manager that a session has something open on this node, or no longer does. */
export interface Holder {
  hold(session: Session): void;
  release(session: Session): void;
}

let open: (session: Session) => SessionState;

/**
 * An id that needs no validation, because a session is stored under it: validation is a third of the cost of making the object.
 */
let checkedId: string | undefined;
export const markChecked = (id: string): void => void (checkedId = id);

/**
 * A session: an id, a type, two times, metadata, and data that JSON can represent. Changes made here are stored by
 * `manager.update(session)`.
 */
export class Session {
  /** A UUID in lower case. */
  readonly id: string;
  readonly type: SessionType;
  readonly #state: SessionState;

  static {
    open = (session) => session.#state;
  }

  /**
   * @param createdAt epoch milliseconds; default now
   * @throws StreamSessionsError ERR_BAD_SESSION_ID, ERR_BAD_SESSION_TYPE
   */
  constructor(id: string, type: SessionType = 'mcp', createdAt: number = Date.now()) {
    this.id = id === checkedId ? id : needId(id);
    if (typeof type !== 'string' || type === '' || type.length > MAX_NAME) throw badType(type);
    if (!(createdAt >= -62_135_596_800_000 && createdAt < 253_402_300_800_000)) {
      throw badSession('createdAt has to be epoch milliseconds, of the years 1 to 9999.');
    }
    this.type = type;
    this.#state = {
      createdAt,
      updatedAt: createdAt,
      record: undefined,
      text: undefined,
      data: undefined,
      metadata: undefined,
      now: Date.now,
      holder: undefined,
    };
  }

  /** Epoch milliseconds. */
  get createdAt(): number {
    return this.#state.createdAt;
  }

  /** Epoch milliseconds of the last `touch()`. */
  get updatedAt(): number {
    return this.#state.updatedAt;
  }

  /** Sets `updatedAt` to now. */
  touch(): void {
    this.#state.updatedAt = Math.max(this.#state.updatedAt, this.#state.now());
  }

  /** What the session carries: anything that JSON can represent. It is this object's own copy. */
  get data(): unknown {
    this.#state.data ??= { value: copyOf(this.#state.record?.data) };
    return this.#state.data.value;
  }

  set data(value: unknown) {
    this.#state.data = { value };
  }

  getData(): unknown {
    return this.data;
  }

  setData(value: unknown): void {
    this.data = value;
  }

  /** A copy of all metadata. */
  get metadata(): Record<string, string> {
    const { record, metadata } = this.#state;
    const all = new Map(record === undefined ? [] : Object.entries(record.metadata));
    for (const [key, value] of metadata ?? []) {
      if (value === undefined) all.delete(key);
      else all.set(key, value);
    }
    return Object.fromEntries(all);
  }

  getMetadata(): Record<string, string> {
    return this.metadata;
  }

  getMetadataValue(key: string): string | undefined {
    const { record, metadata } = this.#state;
    if (metadata?.has(key)) return metadata.get(key);
    return record !== undefined && Object.hasOwn(record.metadata, key) ? record.metadata[key] : undefined;
  }

  /** @throws StreamSessionsError ERR_BAD_SESSION for anything but strings, or a key longer than 256 characters */
  setMetadata(key: string, value: string): void {
    if (typeof key !== 'string' || typeof value !== 'string')
      throw badSession('The keys and values of metadata must be strings.');
    if (key.length > MAX_NAME) throw badSession(`A key of metadata has at most ${MAX_NAME} characters.`);
    (this.#state.metadata ??= new Map()).set(key, value);
  }

  deleteMetadata(key: string): void {
    (this.#state.metadata ??= new Map()).set(key, undefined);
  }

  /**
   * Releases what this object has open on this node: called when the session is deleted, replaced or expired, and when the
   * manager stops. Types of your own override it; it must be safe to call twice.
   */
  close(): void {}

  /**
   * For types of your own: this object has something open now. Its manager remembers it, returns it to callers, and closes it.
   */
  protected hold(): void {
    this.#state.holder?.hold(this);
  }

  /** For types of your own: it no longer has anything open. */
  protected release(): void {
    this.#state.holder?.release(this);
  }
}

export const stateOf = (session: Session): SessionState => open(session);

/** What has changed since it was read, including objects that were changed in place. */
export function changesOf(session: Session): Changes {
  const { record, updatedAt, data, metadata } = stateOf(session);
  const text = data === undefined ? undefined : encodeData(data.value);
  const isChanged = text !== undefined && text !== encodeData(record?.data);
  return {
    updatedAt,
    ...(isChanged && { data: text }),
    ...(metadata !== undefined && { metadata: new Map(metadata) }),
  };
}

/**
 * This is what is stored now. Changes that have not been saved are kept; an unchanged copy of the data is replaced by what
 * another node stored.
 */
export function setStored(session: Session, record: SessionRecord, text: string): void {
  const state = stateOf(session);
  if (state.data !== undefined) {
    const own = textOf(state.data.value);
    if (own !== textOf(record.data) && own === textOf(state.record?.data)) state.data = undefined;
  }
  state.record = record;
  state.text = text;
  state.createdAt = record.createdAt;
  state.updatedAt = Math.max(state.updatedAt, record.updatedAt);
}

/** These changes have been stored; changes made while they were being saved are not included. */
export function setSaved(session: Session, { metadata }: Changes): void {
  const state = stateOf(session);
  for (const [key, value] of metadata ?? []) {
    if (state.metadata?.get(key) === value) state.metadata?.delete(key);
  }
}

const copyOf = (data: unknown): unknown =>
  typeof data === 'object' && data !== null ? (JSON.parse(JSON.stringify(data)) as unknown) : data;

function textOf(data: unknown): string | undefined {
  try {
    return encodeData(data);
  } catch {
    return undefined;
  }
}
