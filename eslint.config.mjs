import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';
import arrows from './scripts/lint/arrows.cjs';

const nodeGlobals = Object.fromEntries(
  // prettier-ignore
  ['process', 'console', 'Buffer', 'URL', 'URLSearchParams', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval',
    'setImmediate', 'queueMicrotask', 'performance', 'fetch', 'AbortController', 'AbortSignal', 'TextDecoder', 'TextEncoder', 'globalThis', 'gc']
    .map((name) => [name, 'readonly']),
);
const commonJs = {
  require: 'readonly',
  module: 'writable',
  exports: 'writable',
  __dirname: 'readonly',
  __filename: 'readonly',
};
const browser = {
  window: 'readonly',
  document: 'readonly',
  location: 'readonly',
  navigator: 'readonly',
  localStorage: 'readonly',
  sessionStorage: 'readonly',
  EventSource: 'readonly',
  TextDecoderStream: 'readonly',
  crypto: 'readonly',
};

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/coverage/**',
      'examples/*/sample/**',
      'test/packaging/consumers/**',
    ],
  },
  js.configs.recommended,
  {
    plugins: { house: { rules: { arrows } }, regexp },
    rules: {
      'house/arrows': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // what strangers send is read in linear time: 64 KB of the worst text must not hold up everybody else
    files: ['packages/*/src/**/*.ts', 'examples/**/*.{ts,js,mjs}'],
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential' }],
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.all.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // a handler is often handed where nobody waits for it; what is not allowed is a forgotten promise
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // an async function that awaits nothing keeps a throw inside the promise, which the signature promises
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // supertest answers, JSON of a server and mocks are untyped by nature; a test asserts what they are
    files: ['**/test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // a fixed time is too long on a good day, and too short on a bad one
    files: ['**/test/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'NewExpression[callee.name="Promise"] > ArrowFunctionExpression > CallExpression[callee.name="setTimeout"]',
          message: 'Wait for what has to happen: `until`, else `stays` or `pace`, of @stream-sessions/core/testing.',
        },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
    languageOptions: { globals: nodeGlobals },
  },
  { files: ['**/*.{js,cjs}'], languageOptions: { sourceType: 'commonjs', globals: commonJs } },
  {
    files: ['examples/*/public/**/*.js'],
    languageOptions: { sourceType: 'module', globals: { ...browser, ...commonJs } },
  },
  prettier,
);
