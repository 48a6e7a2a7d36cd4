export { webhooksApi, type WebhooksApiHandler, type WebhooksApiOptions } from './webhooks-api.js';
export { createWebhooks } from './create-webhooks.js';
export type { DeadLetter, EndpointStatus, Webhooks } from './types.js';
export type { WebhookCondition, WebhookEndpoint, WebhooksOptions } from './options.js';
export type { WebhookFormat } from './formats/format.js';
export type { Attempt } from './delivery/post.js';
