import type { CounterReading } from './counters.ts';

/** A connection to the counting plugin of one running QEMU. */
export interface CountingClient extends AsyncDisposable {
  /** Reads all counters. */
  read(): Promise<CounterReading>;
  /** The readings taken at the guest's `xchg %bx,%bx` markers, oldest first (the last 256). */
  marks(): Promise<readonly CounterReading[]>;
  close(): void;
}

/**
 * Connects to the plugin's socket, retrying until it exists.
 * @param socket path given to `countingPluginArguments`
 * @param deadlineMs milliseconds to wait for the socket, and for each answer
 */
export async function connectToCounters(_socket: string, _deadlineMs = 10_000): Promise<CountingClient> {
  throw new Error('not yet');
}
