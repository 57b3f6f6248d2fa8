export { CountingClient, connectToCounters } from './client.ts';
export {
  type CounterReading,
  type Counters,
  countedBetween,
  type InstructionsPerRequest,
  instructionsPerRequest,
} from './counters.ts';
export {
  type AddressRange,
  buildCountingPlugin,
  type CountingPluginOptions,
  countingPluginArguments,
  icountArguments,
  idleRangesOfElf,
  NEAR_TEXT,
} from './plugin.ts';
