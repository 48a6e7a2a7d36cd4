/**
 * Node 20 cannot read TypeScript by itself: ts-node hands this one file to swc, which the tests use anyway.
 *
 * @jest-config-loader ts-node
 * @jest-config-loader-options {"swc": true, "skipProject": true}
 */
import type { Config } from 'jest';

type Project = Exclude<NonNullable<Config['projects']>[number], string>;

/** Packages are tested from their sources, so that a test never runs against a stale build. */
const moduleNameMapper = {
  // sources name the file that will be there after the build
  '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
  '^@stream-sessions/core/spi$': '<rootDir>/packages/core/src/spi.ts',
  '^@stream-sessions/([a-z0-9-]+)/(testing|redis|postgres|pglite)$': '<rootDir>/packages/$1/src/$2/index.ts',
  '^@stream-sessions/([a-z0-9-]+)$': '<rootDir>/packages/$1/src/index.ts',
};

/** `again`: which tests run again, a file of test/support. */
function project(displayName: string, again: string, testMatch: string[]): Project {
  return {
    displayName,
    rootDir: __dirname,
    testEnvironment: 'node',
    testMatch,
    setupFilesAfterEnv: [`<rootDir>/test/support/${again}.ts`],
    moduleNameMapper,
    transform: {
      '^.+\\.[cm]?tsx?$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
      '^.+/node_modules/.+\\.m?js$': ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }],
    },
    // these exist as ES modules only, which Jest cannot load as they are
    transformIgnorePatterns: ['/node_modules/(?!(?:.+/node_modules/)?(?:@svta|jose)/)'],
    // MPEG-TS segments of the examples end in .ts too, and dist/ holds a second package.json for nobody
    modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/examples/.*/sample/'],
    restoreMocks: true,
  };
}

// A worker ends after each of these suites: the heap of the next is its own, and nothing of others is freed in the middle.
const isMemory = process.argv.includes('memory');

const config: Config = {
  // only what is broken waits as long; a busy machine takes its time
  testTimeout: 60_000,
  ...(isMemory ? { workerIdleMemoryLimit: '1MB' } : {}),
  projects: [
    project('unit', 'retry-once', [
      '<rootDir>/packages/*/test/**/!(*.memory).test.ts',
      '<rootDir>/examples/*/test/**/*.test.ts',
      '<rootDir>/test/docs/**/*.test.ts',
    ]),
    // what is kept in memory, in bytes
    project('memory', 'least-of-three', ['<rootDir>/packages/*/test/**/*.memory.test.ts']),
    // real players: ffmpeg, GStreamer, srt-live-transmit, hls.js and dash.js in Chromium
    project('players', 'retry-once', ['<rootDir>/test/players/**/!(*.alone).test.ts']),
    // those whose speed is measured: nothing else runs beside them
    project('alone', 'retry-once', ['<rootDir>/test/players/**/*.alone.test.ts']),
    // every client that Debian has: npm run clients
    ...(process.env.CLIENTS ? [project('clients', 'retry-once', ['<rootDir>/test/clients/**/*.test.ts'])] : []),
    project('packaging', 'retry-once', ['<rootDir>/test/packaging/**/*.test.ts']),
  ],
};

export default config;
