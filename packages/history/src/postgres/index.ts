export { postgresEngine, type PgClient, type PgPool } from './postgres-engine.js';
