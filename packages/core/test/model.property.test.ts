import fc from 'fast-check';
import { Both, STREAMS } from './model/both.js';
import type { ModelOptions, Viewer } from './model/reference-model.js';

const viewer = fc.record<Viewer>({
  kind: fc.constantFrom('viewer', 'viewer', 'viewer', 'input'),
  stream: fc.constantFrom(...STREAMS),
  ip: fc.constantFrom('10.0.0.1', '10.0.0.2'),
  userAgent: fc.constantFrom('a', 'b'),
  token: fc.constantFrom(undefined, undefined, 'x', 'y'),
  sid: fc.constantFrom(undefined, undefined, 's', 'r'),
});
const protocol = fc.constantFrom('hls', 'dash');
const bytes = fc.constantFrom(0, 1, 100, -5, NaN);
const index = fc.nat(50);
const config = fc.constantFrom<Partial<ModelOptions>>(
  { idleTimeoutMs: 5_000 },
  { idleTimeoutMs: 15_000 },
  { maxLifetimeMs: 30_000 },
  { maxLifetimeMs: 0 },
  { stallTimeoutMs: 3_000 },
  { stallTimeoutMs: 0 },
  { deniedRetentionMs: 0 },
  { deniedRetentionMs: 20_000 },
  { kickByAddress: 'never' },
  { kickByAddress: 'always' },
  { kickByAddress: 'connections' },
  { maxSessions: 2 },
  { maxSessions: 20 },
  { enabled: false },
  { enabled: true },
);
const target = fc.constantFrom<Partial<Viewer>>(
  { ip: '10.0.0.1' },
  { stream: 'cam1' },
  { token: 'x' },
  { userAgent: 'a', stream: 'cam2' },
);

const millis = fc.constantFrom(1, 500, 1_000, 5_000, 10_001, 61_000);

/** A step that a failure report can show. */
interface Step {
  run(both: Both): void;
  toString(): string;
}

function step<A extends unknown[]>(
  weight: number,
  run: (both: Both, ...args: A) => void,
  ...args: { [K in keyof A]: fc.Arbitrary<A[K]> }
) {
  const shown = /both\.(\w+)/.exec(run.toString())?.[1] ?? '?';
  const arbitrary = fc.tuple(...args).map((values): Step => {
    const text = `${shown}(${values.map((value) => fc.stringify(value)).join(', ')})`;
    const made = { run: (both: Both) => run(both, ...(values as unknown as A)), toString: () => text };
    return Object.assign(made, { [fc.toStringMethod]: () => text });
  });
  return { weight, arbitrary };
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  step(6, (both, ...args) => both.trackHttp(...args), viewer, protocol, bytes),
  step(4, (both, ...args) => both.request(...args), viewer, protocol, fc.boolean()),
  step(3, (both, ...args) => both.served(...args), index),
  step(3, (both, ...args) => both.connect(...args), viewer, fc.constant('rtmp'), fc.boolean()),
  step(5, (both, ...args) => both.touch(...args), index, bytes),
  step(3, (both, ...args) => both.end(...args), index, bytes),
  step(2, (both, ...args) => both.kick(...args), index),
  step(1, (both, ...args) => both.deny(...args), target, fc.constantFrom(1_000, 30_000)),
  step(5, (both, ...args) => both.advance(...args), millis),
  step(4, (both) => both.look()),
  step(1, (both, ...args) => both.configure(...args), config),
);

it.each([
  ['whose names have to match', false],
  ['who gives some names with some requests', true],
])('the tracker agrees with a naive model under any interleaving of events, with viewers %s', (_, aliases) => {
  fc.assert(
    fc.property(fc.array(steps, { minLength: 1, maxLength: 60, size: 'max' }), (all) => {
      const both = new Both(aliases);
      for (const one of all) {
        one.run(both);
        both.check();
      }
    }),
    { numRuns: 100 },
  );
});
