export { metricsHandler, type MetricsHandler, type MetricsHandlerOptions } from './metrics-handler.js';
export { registerPromClient, type PromClientRegistry } from './prom-client.js';
export { registerOpenTelemetry, type OpenTelemetryMeter } from './open-telemetry.js';
export type { MetricsOptions } from './options.js';
