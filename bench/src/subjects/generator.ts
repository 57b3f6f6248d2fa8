import type { BootConfig } from './subject.ts';

/** The generator's device. */
export type GeneratorDevice =
  /** It listens on a UNIX socket and is the other end of a guest's rings. */
  | { readonly kind: 'vhost-user'; readonly socket: string }
  /** It sends and receives on a network interface, started behind `prefix` to be in its namespace. */
  | { readonly kind: 'packet'; readonly interface: string; readonly prefix: readonly string[] };

// biome-ignore lint/suspicious/noExplicitAny: until the client has landed
export async function startGenerator(_device: GeneratorDevice, _config: BootConfig): Promise<any> {
  throw new Error('not yet');
}
