import type { RedisSend } from '@stream-sessions/core/spi';
import type { Gathered, Reply, Step } from '../link/link.js';
import { wordsOf } from '../errors.js';
import { evaluate } from './scripts.js';

/** Commands of one step are at least this far apart. Milliseconds. */
const PACE_MS = 4;
/** Keys and arguments of a command: a few milliseconds of Redis at most. */
const MAX_TEXTS = 4_000;

interface Call {
  readonly keys: string[];
  readonly args: readonly string[];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of a call: its reply, or the error in words. */
type Outcome = readonly [isDone: 1, reply: Reply] | readonly [isDone: 0, error: string];

/**
 * The calls of one step, in any buckets. Those of some milliseconds become one command, for a command costs Redis and its client more
 * than what a call does. Each takes effect, or fails, by itself. Where Redis answers that the buckets are not in one place,
 * each call is a command from then on.
 */
export class GatheredCalls {
  private waiting: Call[] = [];
  private isPlanned = false;
  private sentAt = -Infinity;
  private isTogether = true;
  private readonly several: Step;

  constructor(
    private readonly step: Step,
    scripts: Gathered,
    private readonly send: RedisSend,
  ) {
    this.several = severalOf(step.name, scripts);
  }

  run(keys: string[], args: readonly string[]): Promise<Reply> {
    if (!this.isTogether) return evaluate(this.send, this.step, keys, args);
    return new Promise((resolve, reject) => {
      this.waiting.push({ keys, args, resolve, reject });
      if (!this.isPlanned) this.plan();
    });
  }

  private plan(): void {
    this.isPlanned = true;
    const pauseMs = this.sentAt + PACE_MS - performance.now();
    if (pauseMs > 0) setTimeout(() => this.flush(), pauseMs);
    else setImmediate(() => this.flush());
  }

  private flush(): void {
    this.isPlanned = false;
    this.sentAt = performance.now();
    const calls = this.waiting;
    this.waiting = [];
    for (let from = 0; from < calls.length;) {
      const begun = from;
      for (let texts = 0; from < calls.length && texts < MAX_TEXTS; from++) texts += sizeOf(calls[from] as Call);
      void this.sendAll(calls.slice(begun, from));
    }
  }

  private async sendAll(calls: readonly Call[]): Promise<void> {
    if (calls.length === 1 || !this.isTogether) {
      for (const call of calls) this.sendAlone(call);
      return;
    }
    try {
      const keys = calls.flatMap((call) => call.keys);
      const args = calls.flatMap((call) => [String(call.keys.length), String(call.args.length), ...call.args]);
      const outcomes = (await evaluate(this.send, this.several, keys, args)) as unknown as readonly Outcome[];
      calls.forEach(({ resolve, reject }, i) => {
        const [isDone, outcome] = outcomes[i] ?? [0, 'there is no answer'];
        if (isDone === 1) resolve(outcome);
        else reject(new Error(outcome));
      });
    } catch (error) {
      if (wordsOf(error).includes('CROSSSLOT')) {
        this.isTogether = false;
        for (const call of calls) this.sendAlone(call);
      } else for (const { reject } of calls) reject(error);
    }
  }

  private sendAlone({ keys, args, resolve, reject }: Call): void {
    evaluate(this.send, this.step, keys, args).then(resolve, reject);
  }
}

const sizeOf = ({ keys, args }: Call): number => keys.length + args.length;

/**
 * The step, many times over. ARGV: for each call how many keys and arguments it has, and those arguments. Answers for each 1 and its
 * answer, or 0 and its error.
 */
const severalOf = (name: string, { shared, call }: Gathered): Step => ({
  name,
  lua: `local keys, args = KEYS, ARGV
local KEYS, ARGV
${shared}
local function step()
${call}
end
local outcomes, key, arg, n = {}, 0, 0, 0
while arg < #args do
  local keysEnd, argsBegin = key + args[arg + 1], arg + 2
  local argsEnd = argsBegin + args[arg + 2]
  KEYS, ARGV = {unpack(keys, key + 1, keysEnd)}, {unpack(args, argsBegin + 1, argsEnd)}
  key, arg, n = keysEnd, argsEnd, n + 1
  local isDone, answer = pcall(step)
  if not isDone then outcomes[n] = {0, type(answer) == 'table' and answer.err or tostring(answer)}
  else
    -- nil would end the list
    outcomes[n] = {1, answer ~= nil and answer}
  end
end
return outcomes`,
});
