import type { RedisSend } from '@stream-sessions/core/spi';
import type { Reply, Step } from '../link/link.js';
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
    private readonly send: RedisSend,
  ) {
    this.several = severalOf(step);
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
const severalOf = ({ name, lua }: Step): Step => ({
  name,
  lua: `local function step(KEYS, ARGV)
${lua}
end
local outcomes, key, arg = {}, 0, 1
while arg < #ARGV do
  local keys, args = {}, {}
  for i = 1, tonumber(ARGV[arg]) do keys[i] = KEYS[key + i] end
  for i = 1, tonumber(ARGV[arg + 1]) do args[i] = ARGV[arg + 1 + i] end
  key, arg = key + #keys, arg + 2 + #args
  local isDone, answer = pcall(step, keys, args)
  if not isDone then outcomes[#outcomes + 1] = {0, type(answer) == 'table' and answer.err or tostring(answer)}
  else
    -- nil would end the list
    outcomes[#outcomes + 1] = {1, answer ~= nil and answer}
  end
end
return outcomes`,
});
