/** Half-open range of virtual addresses whose instructions are idle ones. */
export interface AddressRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** Builds the plugin when needed and returns the path of `build/plugin/libplumbline-count.so`. */
export async function buildCountingPlugin(): Promise<string> {
  throw new Error('not yet');
}

/** QEMU's arguments that load the plugin, listening on `socket`. */
export function countingPluginArguments(_options: {
  readonly plugin: string;
  readonly socket: string;
  readonly idle?: readonly AddressRange[];
}): string[] {
  throw new Error('not yet');
}

/** The idle range of a kernel of ours, from `__idle_text_start` and `__idle_text_end` in its ELF symbol table. */
export async function idleRangesOfElf(_elf: string): Promise<AddressRange[]> {
  throw new Error('not yet');
}

/**
 * QEMU's arguments for the in-guest exact tier: `rdtsc` counts instructions, two boots give the same figures to the digit.
 * Replaces `-accel` and `-cpu`. Only for guests that never wait for the outside (`sleep=off`).
 */
export function icountArguments(_seed: number): string[] {
  throw new Error('not yet');
}
