import type { StreamSummary } from '@stream-sessions/core';

/** A stream as the feed shows it. */
export interface StreamFigures {
  readonly stream_code: string;
  readonly viewers: number;
  readonly dvr: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Sent since the previous figures. */
  readonly mbits: number;
}

interface Told {
  readonly figures: StreamFigures;
  readonly bytes: number;
}

/** Only the streams with the most viewers, because strangers can invent streams. */
const MAX_STREAMS = 1000;

/** The figures of streams, compared with the previous ones. */
export class Figures {
  private told = new Map<string, Told>();
  private at = 0;

  /** The streams that changed; one that has ended is included once more, without viewers. */
  next(summaries: readonly StreamSummary[], now: number): StreamFigures[] {
    const seconds = (now - this.at) / 1000;
    const latest = new Map<string, Told>();
    for (const summary of largest(summaries)) {
      const before = this.told.get(summary.stream);
      const sent = before === undefined || seconds <= 0 ? 0 : Math.max(0, summary.bytes - before.bytes);
      latest.set(summary.stream, {
        figures: figuresOf(summary, sent === 0 ? 0 : sent / seconds),
        bytes: summary.bytes,
      });
    }
    const changed: StreamFigures[] = [];
    for (const [stream, { figures }] of latest) {
      if (!isSame(this.told.get(stream)?.figures, figures)) changed.push(figures);
    }
    for (const stream of this.told.keys()) if (!latest.has(stream)) changed.push(nobodyAt(stream));
    this.told = latest;
    this.at = now;
    return changed;
  }

  /** All streams, as last reported. */
  get all(): StreamFigures[] {
    return [...this.told.values()].map(({ figures }) => figures);
  }

  clear(): void {
    this.told.clear();
  }
}

function largest(summaries: readonly StreamSummary[]): readonly StreamSummary[] {
  if (summaries.length <= MAX_STREAMS) return summaries;
  return [...summaries].sort((a, b) => b.viewers - a.viewers).slice(0, MAX_STREAMS);
}

function figuresOf({ stream, viewers, dvr, inputs, outputs }: StreamSummary, bytesPerSecond: number): StreamFigures {
  const mbits = Math.round((bytesPerSecond * 8) / 1000) / 1000;
  return { stream_code: stream, viewers, dvr, inputs, outputs, mbits };
}

const nobodyAt = (stream: string): StreamFigures => ({
  stream_code: stream,
  viewers: 0,
  dvr: 0,
  inputs: 0,
  outputs: 0,
  mbits: 0,
});

function isSame(a: StreamFigures | undefined, b: StreamFigures): boolean {
  if (a === undefined) return false;
  return (Object.keys(b) as (keyof StreamFigures)[]).every((name) => a[name] === b[name]);
}
