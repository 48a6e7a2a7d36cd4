/**
 * What policies cost, as ratios in one run: a known viewer's segment with all of them against none, refusing who is
 * denied against serving who is known, opening a session with five, a JSON Web Token the first time and then.
 */
import { createHmac } from 'node:crypto';
import { createTracker } from '@stream-sessions/core';
import { allowDeny, concurrencyPolicy, httpAuthorizer, jwtPolicy, signedUrlPolicy } from '@stream-sessions/policies';
import { fresh, hitOf, median, table } from './lib.mjs';

const ROUNDS = 21;
const VIEWERS = 2_000;
const PER_ROUND = 20_000;
/** Few enough that a hit is still in the processor's cache when it is tracked, as it is behind an HTTP parser. */
const PER_BATCH = 250;
const SECRET = 'a secret of at least thirty-two bytes';
const IN_AN_HOUR = Math.floor(Date.now() / 1000) + 3600;

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function jwt(claims) {
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: IN_AN_HOUR, ...claims })}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}
const TOKENS = Array.from({ length: VIEWERS }, (_, i) => jwt({ sub: `user-${i}`, streams: ['*'] }));

/** A viewer's segment: every string fresh. */
function segment(i, tokens = TOKENS) {
  const token = fresh(tokens[i % tokens.length]);
  return { ...hitOf(i), token, query: `token=${token}` };
}

const all = () => [
  allowDeny({ deny: [{ ip: ['192.0.2.0/24', '2001:db8::/32'] }, { userAgent: /curl/ }] }),
  jwtPolicy({ secret: SECRET }),
  signedUrlPolicy({ keys: 'a key of sufficient length', kinds: ['input'] }),
  httpAuthorizer({ url: 'http://127.0.0.1:9/', kinds: ['input'], reauthorizeEveryMs: 3_600_000 }),
  concurrencyPolicy({ max: 3, onExceed: 'replace-oldest' }),
  concurrencyPolicy({ per: 'ip', max: 50 }),
  { name: 'custom', admit: () => ({ allow: true }), review: () => ({ allow: true }), deadline: () => undefined },
];

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const trackerWith = (policies, options = {}) =>
  createTracker({ autoStart: false, logger: quiet, policies, updateIntervalMs: 0, ...options });

function serve(tracker, hit) {
  const admission = tracker.admit(hit);
  if (admission.admitted) admission.handle.end(13_000);
  return admission.admitted;
}

/** Nanoseconds each; what is asked for is made before the clock runs. */
function time(run, make, count = PER_ROUND) {
  let total = 0n;
  for (let done = 0; done < count; done += PER_BATCH) {
    const batch = Array.from({ length: PER_BATCH }, () => make(Math.floor(Math.random() * VIEWERS)));
    const start = process.hrtime.bigint();
    for (const hit of batch) run(hit);
    total += process.hrtime.bigint() - start;
  }
  return Number(total) / count;
}

/** Both, turn about, so that what else the machine does hits both. */
function compare(a, b) {
  const times = [[], []];
  for (let round = -4; round < ROUNDS; round++) {
    const pair = round % 2 === 0 ? [a(), b()] : [b(), a()].reverse();
    if (round >= 0) pair.forEach((ns, i) => times[i].push(ns));
  }
  const [one, other] = times.map(median);
  return { a: one, b: other, ratio: one / other };
}

const rows = [['what', 'this', 'against', 'ratio', 'target']];
const ns = (value) => `${value.toFixed(0)} ns`;

// A known viewer's segment.
{
  const plain = trackerWith([]);
  const guarded = trackerWith(all());
  for (let i = 0; i < VIEWERS; i++) {
    serve(plain, segment(i));
    const admission = await guarded.admit(segment(i));
    if (!admission.admitted) throw new Error(`refused: ${admission.denial.detail}`);
    admission.handle.end();
  }
  const { a, b, ratio } = compare(
    () => time((hit) => serve(guarded, hit), segment),
    () => time((hit) => serve(plain, hit), segment),
  );
  if (guarded.stats().active !== VIEWERS || guarded.stats().deniedTotal > 0) throw new Error('not the known viewers');
  rows.push(['segment of a known viewer, seven policies : none', ns(a), ns(b), ratio.toFixed(3), '<= 1.05']);
}

// Who is denied, and tries on: one that an authoriser refused, and one that the operator did.
for (const [what, deny] of [
  ['refused by a policy', undefined],
  ['denied by address', (tracker, { ip }) => tracker.deny({ ip })],
  ['kicked', (tracker, { ip }) => tracker.kickAll({ ip })],
]) {
  const banned = new Set();
  const policies = [
    { name: 'no', stage: 'authorise', admit: ({ ip }) => ({ allow: !banned.has(ip), reason: 'unauthorized' }) },
  ];
  const tracker = trackerWith(policies);
  const denied = { ...segment(0), query: 'token=x&signature=0123456789abcdef0123456789abcdef' };
  if (deny === undefined) banned.add(denied.ip);
  else serve(tracker, denied);
  deny?.(tracker, denied);
  for (let i = 1; i < VIEWERS; i++) serve(tracker, segment(i));
  const again = () => ({
    ...denied,
    ip: fresh(denied.ip),
    token: fresh(denied.token),
    query: fresh(denied.query),
    userAgent: fresh(denied.userAgent),
    stream: fresh(denied.stream),
  });
  const known = (i) => segment(1 + (i % (VIEWERS - 1)));
  const { a, b, ratio } = compare(
    () => time((hit) => serve(tracker, hit), again),
    () => time((hit) => serve(tracker, hit), known),
  );
  if (tracker.stats().deniedTotal < ROUNDS * PER_ROUND) throw new Error('somebody was let in');
  rows.push([`request of who was ${what} : of who is known`, ns(a), ns(b), ratio.toFixed(2), '<= 1']);
}

// Opening.
{
  const yes = (name) => ({ name, admit: () => ({ allow: true }), settled() {}, closed() {} });
  let opened = 0;
  let next = 0;
  const open = (policies, listener) => () => {
    const tracker = trackerWith(policies, { maxSessions: 1e7 });
    if (listener !== undefined) tracker.on('opened', listener);
    return time(
      (hit) => tracker.admit(hit),
      () => hitOf(next++),
      10_000,
    );
  };
  const five = open(['a', 'b', 'c', 'd', 'e'].map(yes), () => opened++);
  const { a, b, ratio } = compare(five, open([]));
  if (opened * 2 !== next) throw new Error('not all have opened');
  rows.push(['opening with five policies and a listener : with none', ns(a), ns(b), ratio.toFixed(2), '<= 10 µs']);
}

// A JSON Web Token.
{
  const tracker = trackerWith([jwtPolicy({ secret: SECRET })]);
  const first = [];
  const then = [];
  for (let i = 0; i < 500; i++) {
    for (const [times, ip] of [
      [first, '203.0.113.1'],
      [then, '203.0.113.2'],
    ]) {
      const start = process.hrtime.bigint();
      await tracker.admit({ ...segment(i), ip });
      times.push(Number(process.hrtime.bigint() - start));
    }
  }
  const [a, b] = [median(then), median(first)];
  rows.push(['opening with a JWT seen before : a new one', ns(a), ns(b), (a / b).toFixed(2), '< 1']);
}
table(rows);
