import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { buildGenerator, Generator, type Transport } from '../generator/index.ts';
import type { BootConfig } from './subject.ts';

/** The generator's device. */
export type GeneratorDevice =
  /** It listens on a UNIX socket and is the other end of a guest's rings. */
  | { readonly kind: 'vhost-user'; readonly socket: string }
  /** It sends and receives on a network interface, started behind `prefix` to be in its namespace. */
  | { readonly kind: 'packet'; readonly interface: string; readonly prefix: readonly string[] };

/** The generator's program as one process uses it. */
export interface GeneratorProgram {
  readonly file: string;
  /** Beginning of its SHA-256, for provenance. */
  readonly id: string;
}

let program: Promise<GeneratorProgram> | undefined;

/**
 * Builds the generator and keeps a copy under its content's name: all boots of this process use that one, whatever is
 * built in the meantime.
 */
export function generatorProgram(): Promise<GeneratorProgram> {
  program ??= buildGenerator().then(keepProgram);
  return program;
}

/** Copies that nothing has asked for in so long belong to no run any more. */
const PROGRAM_LIFE_MS = 2 * 24 * 3_600_000;

function keepProgram(built: string): GeneratorProgram {
  const id = createHash('sha256').update(readFileSync(built)).digest('hex').slice(0, 16);
  const folder = join(dirname(built), 'kept');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, id);
  if (!existsSync(file)) {
    const copy = `${file}.${process.pid}`;
    copyFileSync(built, copy);
    chmodSync(copy, 0o755);
    renameSync(copy, file);
  }
  const now = new Date();
  utimesSync(file, now, now);
  for (const name of readdirSync(folder)) {
    const other = join(folder, name);
    if (statSync(other).mtimeMs < now.getTime() - PROGRAM_LIFE_MS) rmSync(other, { force: true });
  }
  return { file, id };
}

/** Connections may come from several addresses that follow each other, and none of them may be the server's. */
const FIRST_TCP_SOURCE = '10.9.0.101';

/**
 * Starts a generator for a boot: on its own core, watching where the server's core is, ended with the boot.
 * @param transport TCP leaves segmentation and checksums to the other end, as Linux's stack would
 */
export async function startGenerator(
  device: GeneratorDevice,
  transport: Transport | undefined,
  config: BootConfig,
): Promise<Generator> {
  const { file } = await generatorProgram();
  const generator = await Generator.start({
    binary: file,
    device: device.kind === 'vhost-user' ? `vhost:${device.socket}` : `packet:${device.interface}`,
    core: config.cores.generator,
    probeCore: config.cores.server,
    ...(device.kind === 'vhost-user' ? { queues: config.shape.queues ?? 1 } : {}),
    ...(device.kind === 'packet' ? { prefix: device.prefix } : {}),
    ...(transport === 'tcp' ? { tso: true, ip: FIRST_TCP_SOURCE } : {}),
    ...(config.damage === undefined ? {} : { damage: config.damage }),
  });
  config.resources.defer(() => generator.stop());
  return generator;
}
