// The arrows between the parts, checked by `npm run boundaries`:
//   src -> simulator -> rebuild, commander, dispatcher, scheduler -> state, idempotency, transport, telemetry
//   src -> rebuild -> commander
//       -> engine (from drivers/embedded alone), redis (from drivers/redis alone) -> contracts
const SPEC = '[.]spec[.]ts$';
/** The second entry of libs/testing: free of the test runner, so that the bench can use it. */
const SERVERS = '^libs/testing/src/servers/index[.]ts$';
/** Tests in which a plain client looks at what the driver, or a broker that was brought up, does. */
const PLAIN_KAFKA_CLIENTS = [
  '^test/contract/kafka-bed[.]ts$',
  '^test/integration/kafka-transport[.]int[.]spec[.]ts$',
  '^test/integration/kafka-secured[.]int[.]spec[.]ts$',
  '^test/servers/servers[.]int[.]spec[.]ts$',
];
const CORE = ['^libs/.+[.]machine[.]ts$', '^libs/.+/core/'];

/** `from` may reach, among the libs, itself and the ones named, by way of the others' index files. */
function arrow(from, allowed) {
  return {
    name: `arrows-${from}`,
    comment: `libs/${from} may use ${allowed.length > 0 ? allowed.join(', ') : 'no other lib'}.`,
    severity: 'error',
    from: { path: `^libs/${from}/` },
    to: { path: '^(libs|src)/', pathNot: `^libs/(${[from, 'testing', ...allowed].join('|')})/` },
  };
}

const PORTS = ['state', 'idempotency', 'transport'];
const FEATURES = ['commander', 'dispatcher', 'scheduler'];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'In ES modules a cycle is an error at start-up waiting for a decorator to trip over it.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'Every import must lead somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-dependencies-only',
      comment: 'An imported package must be named in package.json, and at run time not as a dev dependency.',
      severity: 'error',
      from: { path: '^(src|libs)/', pathNot: [SPEC, '^libs/testing/'] },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'type-only'],
      },
    },

    arrow('contracts', []),
    arrow('engine', ['contracts']),
    arrow('redis', ['contracts']),
    arrow('telemetry', ['contracts']),
    ...PORTS.map((name) => arrow(name, ['contracts', 'engine', 'redis'])),
    ...FEATURES.map((name) => arrow(name, ['contracts', 'telemetry', ...PORTS])),
    arrow('simulator', ['contracts', 'rebuild', ...PORTS, ...FEATURES]),
    arrow('rebuild', ['contracts', 'commander', ...PORTS]),
    {
      name: 'arrows-lib-to-src',
      comment: 'src composes the libs; no lib knows it.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^src/' },
    },
    {
      name: 'engine-from-embedded-drivers',
      comment: 'Only the embedded drivers may know the engine, and src, which opens it.',
      severity: 'error',
      from: { path: '^(src|libs)/', pathNot: ['^libs/(engine|testing)/', '/drivers/embedded/', '^src/'] },
      to: { path: '^libs/engine/' },
    },
    {
      name: 'redis-from-redis-drivers',
      comment: 'Only the Redis drivers may know the connection to Redis.',
      severity: 'error',
      from: { path: '^(src|libs)/', pathNot: ['^libs/(redis|testing)/', '/drivers/redis/'] },
      to: { path: '^libs/redis/' },
    },
    {
      name: 'redis-only-when-asked-for',
      comment: 'A start without REDIS_URL must not load a Redis client: import the driver with import().',
      severity: 'error',
      from: { path: '^(src|libs)/', pathNot: ['^libs/(redis|testing)/', '/drivers/redis/(?!create-)', SPEC] },
      to: {
        path: ['^libs/redis/', '/drivers/redis/(?!create-)'],
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },

    {
      name: 'libs-by-index',
      comment: "Another lib's inner file is private; import its alias.",
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: { path: '^libs/[^/]+/', pathNot: ['^libs/$1/', '^libs/[^/]+/src/index[.]ts$'] },
    },
    {
      name: 'libs-by-index-from-outside',
      comment: "A lib's inner file is private; import its alias.",
      severity: 'error',
      from: { path: '^(src|test|bench)/' },
      to: { path: '^libs/', pathNot: ['^libs/[^/]+/src/index[.]ts$', SERVERS] },
    },
    {
      name: 'libs-by-alias',
      comment: 'Reach another lib by its alias (#state), not by a relative path.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: {
        path: '^libs/[^/]+/',
        pathNot: '^libs/$1/',
        dependencyTypesNot: ['aliased-subpath-import'],
      },
    },
    {
      name: 'libs-by-alias-from-outside',
      comment: 'Reach a lib by its alias (#state), not by a relative path.',
      severity: 'error',
      from: { path: '^(src|test|bench)/' },
      to: { path: '^libs/', dependencyTypesNot: ['aliased-subpath-import'] },
    },

    {
      name: 'contracts-without-runtime',
      comment: 'The contracts run anywhere: no Nest, no node: modules.',
      severity: 'error',
      from: { path: '^libs/contracts/', pathNot: SPEC },
      to: { path: '(^|node_modules/)@nestjs/' },
    },
    {
      name: 'contracts-without-node',
      comment: 'The contracts run anywhere: no Nest, no node: modules.',
      severity: 'error',
      from: { path: '^libs/contracts/', pathNot: SPEC },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-core',
      comment:
        'A machine (*.machine.ts, core/) is pure: it imports contracts and its own kind, nothing else.',
      severity: 'error',
      from: { path: CORE, pathNot: SPEC },
      to: { pathNot: ['^libs/contracts/src/index[.]ts$', ...CORE] },
    },

    {
      name: 'kafkajs-in-its-driver',
      comment:
        "Kafka's client is its driver's inner matter; what brings up a broker asks it whether it is ready.",
      severity: 'error',
      from: {
        pathNot: ['^libs/transport/src/drivers/kafka/', '^libs/testing/src/servers/', ...PLAIN_KAFKA_CLIENTS],
      },
      to: { path: '(^|node_modules/)kafkajs(/|$)' },
    },
    {
      name: 'ioredis-in-its-lib',
      severity: 'error',
      from: { path: '^(src|libs)/', pathNot: ['^libs/(redis|testing)/'] },
      to: { path: '(^|node_modules/)ioredis(/|$)' },
    },
    {
      name: 'prom-client-in-its-folder',
      comment: 'The libs count in plain numbers; src/metrics writes them out.',
      severity: 'error',
      from: { path: '^(src|libs)/', pathNot: ['^src/metrics/'] },
      to: { path: '(^|node_modules/)prom-client(/|$)' },
    },
    {
      name: 'opentelemetry-in-its-folder',
      comment:
        'The libs tell finished spans to a port; src/tracing sends them, loaded only when it is configured.',
      severity: 'error',
      from: { path: '^(src|libs)/', pathNot: ['^src/tracing/'] },
      to: { path: '(^|node_modules/)@opentelemetry/' },
    },
    {
      name: 'tracing-only-when-asked-for',
      comment: 'A start without OTEL_EXPORTER_OTLP_ENDPOINT must not load OpenTelemetry: import() it.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/tracing/(?!open-|tracing[.]ts)', SPEC] },
      to: { path: '^src/tracing/(?!open-)', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'lmdb-in-the-engine',
      severity: 'error',
      from: { path: '^(src|libs|test)/', pathNot: '^libs/engine/' },
      to: { path: '(^|node_modules/)lmdb(/|$)' },
    },
    {
      name: 'testing-from-tests',
      comment: 'The test helpers are for specs and test/ alone.',
      severity: 'error',
      from: { pathNot: [SPEC, '^libs/testing/', '^test/'] },
      to: { path: '^libs/testing/', pathNot: SERVERS },
    },
    {
      name: 'servers-from-tests-and-bench',
      comment: 'What brings up servers is for specs, test/ and bench/ alone.',
      severity: 'error',
      from: { pathNot: [SPEC, '^libs/testing/', '^test/', '^bench/'] },
      to: { path: SERVERS },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      // The aliases of package.json "imports" resolve to the TypeScript sources under the first.
      conditionNames: ['dormouse-source', 'import', 'require', 'node', 'default', 'types'],
    },
  },
};
