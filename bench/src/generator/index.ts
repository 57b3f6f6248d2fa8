/** The load generator: its client, its protocol, its build. */
export { Generator, GeneratorError, type GeneratorOptions } from './generator.ts';
export { buildGenerator, generatorBinary } from './location.ts';
export * from './protocol.ts';
