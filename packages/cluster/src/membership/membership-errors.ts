import { StreamSessionsError } from '@stream-sessions/core';

/** This process holds no lease: it cannot speak for the cluster. */
export const leaseLost = (): StreamSessionsError =>
  new StreamSessionsError(
    'ERR_CLUSTER_ALONE',
    'This process has no lease in the cluster now. Unless it has left, it joins by itself; try again.',
  );

/** Names the options in which this process differs from the living nodes. */
export function differingOption(ours: Readonly<Record<string, string>>, theirText: string): StreamSessionsError {
  const theirs = JSON.parse(theirText) as Record<string, string>;
  const names = Object.keys({ ...ours, ...theirs }).filter((name) => ours[name] !== theirs[name]);
  if (names.includes('format')) {
    return new StreamSessionsError(
      'ERR_CLUSTER_CONFIG',
      'The living nodes have a version of @stream-sessions/cluster whose records differ from those of this one ("format"). ' +
        'End them first, or give the nodes of this version another prefix.',
    );
  }
  return new StreamSessionsError(
    'ERR_CLUSTER_CONFIG',
    `Nodes of a cluster have to agree on who is one viewer; this one differs in ${names.map((name) => `"${name}"`).join(', ')}.`,
  );
}
