import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { joinMembers, splitMembers } from '../src/record/json-members.js';
import { changeRecord, decodeRecord, encodeData, encodeRecord, nonceOf } from '../src/record/record.js';
import { formatRfc3339, parseRfc3339 } from '../src/record/rfc3339.js';
import { idOf } from '../src/session/session-id.js';

const codeOf = (run: () => unknown): unknown => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe('RFC 3339 times', () => {
  it.each([
    ['2026-03-24T10:00:00Z', Date.UTC(2026, 2, 24, 10)],
    ['2026-03-24t10:00:00z', Date.UTC(2026, 2, 24, 10)],
    ['2026-03-24T10:00:00.123456789+02:00', Date.UTC(2026, 2, 24, 8, 0, 0, 123)],
    ['2026-03-24T10:00:00.9999-00:30', Date.UTC(2026, 2, 24, 10, 30, 0, 999)],
    ['2024-02-29T23:59:59.5Z', Date.UTC(2024, 1, 29, 23, 59, 59, 500)],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
  ])('%s is read', (text, ms) => {
    expect(parseRfc3339(text)).toBe(ms);
  });

  it.each([
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-03-24T24:00:00Z',
    '2026-03-24T10:60:00Z',
    '2026-03-24T10:00:60Z',
    '2026-03-24T10:00:00',
    '2026-03-24T10:00:00.Z',
    '2026-03-24T10:00:00.1234567890Z',
    '2026-03-24T10:00:00+24:00',
    '2026-03-24 10:00:00Z',
    ' 2026-03-24T10:00:00Z',
    '2026-03-24T10:00:00Z\n',
    1_774_346_400_000,
    null,
  ])('%j is not read', (text) => {
    expect(parseRfc3339(text)).toBeUndefined();
  });

  it('are read exactly, to the millisecond, with any finer decimals and offset', () => {
    const times = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
    const offsets = fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59));
    fc.assert(
      fc.property(times, fc.stringMatching(/^\d{0,6}$/), offsets, (ms, finer, [sign, hours, minutes]) => {
        expect(parseRfc3339(formatRfc3339(ms))).toBe(ms);
        expect(parseRfc3339(formatRfc3339(ms).replace('Z', `${finer}Z`))).toBe(ms);
        const two = (n: number) => String(n).padStart(2, '0');
        const away = (sign === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000;
        const zoned = formatRfc3339(ms).replace('Z', `${sign}${two(hours)}:${two(minutes)}`);
        expect(parseRfc3339(zoned)).toBe(ms - away);
      }),
    );
  });

  it('are the only text that is read, and no text makes it throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseRfc3339(text);
        expect(ms === undefined || Number.isInteger(ms)).toBe(true);
      }),
    );
  });
});

describe('members of a JSON object', () => {
  it('are delimited as by JSON.parse, whatever they hold', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.nat(3), (object, indent) => {
        const text = JSON.stringify(object, undefined, indent);
        const members = splitMembers(text);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect([...members.keys()].sort()).toEqual(Object.keys(parsed).sort());
        for (const [name, value] of members) expect(JSON.parse(value)).toEqual(parsed[name]);
        expect(JSON.parse(joinMembers(members))).toEqual(parsed);
      }),
    );
  });

  it('keep the text of their values, and the last one of a name counts', () => {
    const text = ' { "a" : 12345678901234567890 , "b":[ 1.0, {"x":"}\\"],"} ],"c":"\\u0041\\\\","a":\t1e2\n}';
    expect([...splitMembers(text)]).toEqual([
      ['a', '1e2'],
      ['b', '[ 1.0, {"x":"}\\"],"} ]'],
      ['c', '"\\u0041\\\\"'],
    ]);
    expect([...splitMembers('{}')]).toEqual([]);
    expect([...splitMembers(' {\n} ')]).toEqual([]);
  });
});

describe('a stored session', () => {
  const id = randomUUID();
  const metadata = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }));
  const times = fc.integer({ min: 0, max: 4e12 });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        times,
        times,
        metadata,
        fc.jsonValue(),
        (type, createdAt, updatedAt, map, data) => {
          const fields = { id, type, createdAt, updatedAt, metadata: map, nonce: 'n' };
          const text = encodeRecord({ ...fields, data: encodeData(data) });
          const record = decodeRecord(id, text);
          expect({ ...record, metadata: Object.entries(record.metadata) }).toEqual({
            ...fields,
            metadata: Object.entries(map),
            data: JSON.parse(JSON.stringify(data)),
          });
          expect(nonceOf(text)).toBe('n');
        },
      ),
    );
  });

  it('takes changes: metadata by key, data as a whole and the later time, and keeps the rest', () => {
    fc.assert(
      fc.property(
        metadata,
        fc.jsonValue(),
        fc.array(fc.tuple(fc.string(), fc.option(fc.string(), { nil: undefined }))),
        (map, data, edits) => {
          const text = encodeRecord({ id, type: 't', createdAt: 5, updatedAt: 5, metadata: map, data: '', nonce: 'n' });
          const foreign = text.replace('{', '{"future":[1.0,12345678901234567890],');
          const changes = { updatedAt: 9, data: JSON.stringify(data), metadata: new Map(edits) };
          const changed = changeRecord(foreign, decodeRecord(id, foreign), changes);
          const record = decodeRecord(id, changed);
          const expected = new Map(Object.entries(map));
          for (const [key, value] of edits) {
            if (value === undefined) expected.delete(key);
            else expected.set(key, value);
          }
          expect(Object.entries(record.metadata).sort()).toEqual([...expected].sort());
          expect(record).toMatchObject({ type: 't', createdAt: 5, updatedAt: 9, nonce: 'n' });
          expect(record.data).toEqual(JSON.parse(JSON.stringify(data)));
          expect(changed).toContain('[1.0,12345678901234567890]');
          const earlier = changeRecord(changed, record, { updatedAt: 7, data: '' });
          expect(decodeRecord(id, earlier)).toMatchObject({ updatedAt: 9, data: undefined });
        },
      ),
    );
  });

  it('is a session or ERR_STORE_CORRUPT, whatever the store holds', () => {
    const good = JSON.parse(
      encodeRecord({ id, type: 't', createdAt: 5, updatedAt: 5, metadata: { a: 'b' }, data: '1', nonce: 'n' }),
    ) as object;
    const names = fc.constantFrom(...Object.keys(good));
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.tuple(names, fc.jsonValue()).map(([name, value]) => JSON.stringify({ ...good, [name]: value })),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect([undefined, 'ERR_STORE_CORRUPT']).toContain(codeOf(() => decodeRecord(id, text)));
        nonceOf(text);
      }),
    );
  });

  it('has at most a million characters, of data that JSON can hold', () => {
    const fields = { id, type: 't', createdAt: 5, updatedAt: 5, metadata: {}, nonce: 'n' };
    const data = JSON.stringify('x'.repeat(1_048_576));
    expect(codeOf(() => encodeRecord({ ...fields, data }))).toBe('ERR_SESSION_TOO_LARGE');
    const circle: { self?: unknown } = {};
    circle.self = circle;
    let deep: unknown = 1;
    for (let n = 0; n < 100_000; n++) deep = [deep];
    for (const bad of [circle, 1n, () => 1, Symbol('s')]) {
      expect(codeOf(() => encodeData(bad))).toBe('ERR_BAD_SESSION');
    }
    // newer versions of V8 write it without recursion
    expect([undefined, 'ERR_BAD_SESSION']).toContain(codeOf(() => encodeData(deep)));
  });
});

describe('ids', () => {
  it('are UUIDs of any version in lower case, and nothing else', () => {
    const shaped = fc.stringMatching(/^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/);
    fc.assert(fc.property(shaped, (text) => expect(idOf(text)).toBe(text.toLowerCase())));
    fc.assert(fc.property(fc.anything(), (value) => expect(idOf(value)).toBeUndefined()));
    fc.assert(
      fc.property(shaped, fc.nat(35), fc.string({ minLength: 1, maxLength: 2 }), (text, at, other) => {
        const spoilt = text.slice(0, at) + other + text.slice(at + 1);
        const known = idOf(spoilt);
        expect(known === undefined || (known.length === 36 && /^[0-9a-f-]+$/.test(known))).toBe(true);
      }),
    );
  });
});
