export { createSources, type SourceInfo, type Sources } from './create-sources.js';
export type { SourceRule, SourcesOptions } from './options.js';
export type { PlaylistCheck } from './playlist/playlist.js';
export type { SourceState } from './sources/source.js';
export type { DriverState, SourceDriver, SourceRun, SourceTarget } from './driver.js';
export { httpDriver, type HttpDriverOptions } from './drivers/http/http-driver.js';
export { kubernetesDriver, type KubernetesDriverOptions } from './drivers/kubernetes/kubernetes-driver.js';
export { customDriver, type CustomDriverOptions } from './drivers/custom-driver.js';
export { processDriver, type ProcessDriverOptions } from './drivers/process/process-driver.js';
