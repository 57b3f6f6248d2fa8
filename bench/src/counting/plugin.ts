import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSymbols } from '@plumbline/variants';
import { runCommand } from '../process/command.ts';

/** Half-open range of virtual addresses. */
export interface AddressRange {
  readonly start: bigint;
  readonly end: bigint;
}

const sourceDirectory = fileURLToPath(new URL('../../plugin', import.meta.url));
const outputDirectory = fileURLToPath(new URL('../../../build/plugin', import.meta.url));
const compilerFlags = [
  ...['-std=gnu11', '-O2', '-g', '-Wall', '-Wextra', '-Werror'],
  ...['-fPIC', '-fvisibility=hidden', '-shared', '-pthread'],
];

/**
 * Compiles the plugin when its sources have changed.
 * @returns the path of `build/plugin/libplumbline-count.so`
 * @throws CommandError with the compiler's messages
 */
export async function buildCountingPlugin(signal?: AbortSignal): Promise<string> {
  const plugin = join(outputDirectory, 'libplumbline-count.so');
  const stamp = `${plugin}.inputs`;
  const files = (await readdir(sourceDirectory)).filter((name) => /\.[ch]$/.test(name)).sort();
  const hash = createHash('sha256').update(compilerFlags.join(' '));
  for (const name of files) hash.update(name).update(await readFile(join(sourceDirectory, name)));
  const inputs = hash.digest('hex');
  if (existsSync(plugin) && existsSync(stamp) && (await readFile(stamp, 'utf8')) === inputs) return plugin;

  await mkdir(outputDirectory, { recursive: true });
  const sources = files.filter((name) => name.endsWith('.c')).map((name) => join(sourceDirectory, name));
  const temporary = `${plugin}.${randomUUID()}`;
  await runCommand(['gcc-12', ...compilerFlags, '-o', temporary, ...sources], { deadlineMs: 120_000, signal });
  await rename(temporary, plugin);
  await writeFile(`${stamp}.${inputs}`, inputs);
  await rename(`${stamp}.${inputs}`, stamp);
  return plugin;
}

/** A value inside QEMU's comma-separated options. */
function escapeCommas(value: string): string {
  return value.replaceAll(',', ',,');
}

/** How the plugin is loaded. */
export interface CountingPluginOptions {
  /** From {@link buildCountingPlugin}. */
  readonly plugin: string;
  /** Path of the UNIX socket to make; at most 107 bytes. */
  readonly socket: string;
  /** Where instructions are idle ones. */
  readonly idle?: readonly AddressRange[];
  /** Addresses of the lower half that are the kernel's: {@link NEAR_TEXT} with kernels of ours. */
  readonly kernel?: readonly AddressRange[];
  /** File that gets the counters, as JSON, when QEMU ends. */
  readonly final?: string;
}

/** QEMU's arguments that load the plugin. Only under `-accel tcg`. */
export function countingPluginArguments(options: CountingPluginOptions): string[] {
  const values = [`file=${escapeCommas(options.plugin)}`, `socket=${escapeCommas(options.socket)}`];
  for (const kind of ['idle', 'kernel'] as const) {
    for (const { start, end } of options[kind] ?? []) {
      if (start < end) values.push(`${kind}=0x${start.toString(16)}-0x${end.toString(16)}`);
    }
  }
  if (options.final !== undefined) values.push(`final=${escapeCommas(options.final)}`);
  return ['-plugin', values.join(',')];
}

/** Where our kernel's text is mapped near programs (kernel/arch/x86_64/near_image.h). */
export const NEAR_TEXT: AddressRange = { start: 0x7fff_8000_0000n, end: 0x7fff_8200_0000n };
/** A near address is the linked one without its upper bits. */
const NEAR_IMAGE_MASK = (1n << 47n) - 1n;

/**
 * The idle ranges of a kernel of ours: where its symbols say that it polls and halts, and the same code near programs.
 * @throws ElfError when the symbols are missing
 */
export async function idleRangesOfElf(file: string): Promise<AddressRange[]> {
  const symbols = readSymbols(file, await readFile(file), ['__idle_text_start', '__idle_text_end']);
  const linked = { start: symbols.__idle_text_start ?? 0n, end: symbols.__idle_text_end ?? 0n };
  const near = { start: linked.start & NEAR_IMAGE_MASK, end: linked.end & NEAR_IMAGE_MASK };
  return near.start === linked.start ? [linked] : [linked, near];
}

/**
 * QEMU's arguments for figures taken inside the guest: with one instruction a nanosecond, `rdtsc` counts instructions, and two
 * boots with one seed give the same figures to the digit. They replace `-accel` and `-cpu`. Only for guests that never wait for
 * the outside, because virtual time does not pass while a vCPU halts without a timer (`sleep=off`).
 */
export function icountArguments(seed: number): string[] {
  return [
    ...['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off'],
    ...['-cpu', 'max,rdrand=off,rdseed=off,erms=off,fsrm=off'],
    ...['-rtc', 'base=2026-01-01,clock=vm', '-seed', String(seed)],
  ];
}
