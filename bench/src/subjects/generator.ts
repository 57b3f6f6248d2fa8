import { Generator } from '../generator/index.ts';
import type { BootConfig } from './subject.ts';

/** The generator's device. */
export type GeneratorDevice =
  /** It listens on a UNIX socket and is the other end of a guest's rings. */
  | { readonly kind: 'vhost-user'; readonly socket: string }
  /** It sends and receives on a network interface, started behind `prefix` to be in its namespace. */
  | { readonly kind: 'packet'; readonly interface: string; readonly prefix: readonly string[] };

/** Starts a generator for a boot: on its own core, watching where the server's core is, ended with the boot. */
export async function startGenerator(device: GeneratorDevice, config: BootConfig): Promise<Generator> {
  const generator = await Generator.start({
    device: device.kind === 'vhost-user' ? `vhost:${device.socket}` : `packet:${device.interface}`,
    core: config.cores.generator,
    probeCore: config.cores.server,
    ...(device.kind === 'packet' ? { prefix: device.prefix } : {}),
    ...(config.damage === undefined ? {} : { damage: config.damage }),
  });
  config.resources.defer(() => generator.stop());
  return generator;
}
