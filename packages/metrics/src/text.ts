import type { TrackerStats } from '@stream-sessions/core';
import type { Family } from './families.js';
import type { Sample } from './sample.js';

/** The two formats that Prometheus reads. */
export type Form = 'prometheus' | 'openmetrics';

const SUFFIX = { gauge: '', counter: '_total', summary: '', info: '_info' } as const;

/** The name of a sample: `stream_sessions_opened_total`. */
export const sampleName = ({ name, type }: Family, part?: Sample['part']): string =>
  part === undefined ? name + SUFFIX[type] : `${name}_${part}`;

/** All families as text. */
export function writeText(families: readonly Family[], stats: TrackerStats, form: Form): string {
  const lines: string[] = [];
  for (const family of families) {
    // OpenMetrics names the family, the older format its samples
    const name = form === 'openmetrics' || family.type === 'summary' ? family.name : sampleName(family);
    lines.push(`# TYPE ${name} ${typeIn(form, family.type)}`);
    if (form === 'openmetrics' && family.unit !== undefined) lines.push(`# UNIT ${name} ${family.unit}`);
    lines.push(`# HELP ${name} ${family.help}`);
    for (const { labels, value, part } of family.read(stats)) {
      lines.push(`${sampleName(family, part)}${labelsOf(labels)} ${value}`);
    }
  }
  if (form === 'openmetrics') lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

const typeIn = (form: Form, type: Family['type']): string =>
  type === 'info' && form === 'prometheus' ? 'gauge' : type;

function labelsOf(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (text: string): string =>
  text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
