/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // The aliases of package.json "imports" resolve to the TypeScript sources under this condition.
  testEnvironmentOptions: { customExportConditions: ['dormouse-source', 'node', 'node-addons'] },
  roots: ['<rootDir>/src', '<rootDir>/libs', '<rootDir>/test'],
  // A server that several specs use is started by the first that needs it, once per run.
  globalSetup: '<rootDir>/test/run/begin.mjs',
  globalTeardown: '<rootDir>/test/run/end.mjs',
  // Any spec runs, whatever its level, so that none is left out by a slip in its name.
  testRegex: '\\.spec\\.ts$',
  maxWorkers: 2,
  // How long a condition may take to come true on a busy machine; no test measures time by it.
  testTimeout: 600_000,
  // js first: a package that ships foo.ts beside foo.js must not be run from its sources.
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'ts', 'json', 'node'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
      },
    ],
  },
};
