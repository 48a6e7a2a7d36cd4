import { StreamSessionsError } from '../support/errors.js';
import { CLUSTER_PORT, type ClusterPort } from '../types/cluster.js';
import type { SessionTracker } from '../types/tracker.js';

/**
 * The side of a tracker that faces a cluster, for packages that combine several trackers into one list.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION if the tracker was not made by `createTracker()`
 */
export function clusterPort(tracker: SessionTracker): ClusterPort {
  const port = (tracker as Partial<Record<typeof CLUSTER_PORT, ClusterPort>> | undefined)?.[CLUSTER_PORT];
  if (port !== undefined) return port;
  throw new StreamSessionsError('ERR_BAD_OPTION', 'A cluster joins trackers that createTracker() has made.');
}
