import { join } from 'node:path';
import type { Generator, Transport } from '../generator/index.ts';
import { Resources } from '../vmm/index.ts';
import { startGenerator } from './generator.ts';
import type { BootConfig } from './subject.ts';

/** A generator for one boot. */
export interface LeasedGenerator {
  readonly generator: Generator;
  /** UNIX socket on which it listens for the guest. */
  readonly socket: string;
  /** After a boot that ended in order. Without it the generator ends with the boot. */
  giveBack(): Promise<void>;
}

interface KeptGenerator {
  readonly generator: Generator;
  readonly socket: string;
  readonly resources: Resources;
  ended: boolean;
}

/** Starts a generator that serves one boot and ends with it. */
export async function ownGenerator(transport: Transport | undefined, config: BootConfig): Promise<LeasedGenerator> {
  const socket = join(config.directory, 'net.sock');
  const generator = await startGenerator({ kind: 'vhost-user', socket }, transport, config);
  return { generator, socket, giveBack: () => generator.stop() };
}

/**
 * Generators that serve one guest after the other: a start takes 1.4 s, most of which DPDK waits, and a run has hundreds of
 * boots. Between boots they rest, so that nothing of theirs runs on the core of one that measures.
 */
export class GeneratorPool {
  private readonly resting = new Map<string, KeptGenerator>();

  /** A generator for a boot: a rested one that was started alike, or a new one. */
  async lease(transport: Transport | undefined, config: BootConfig): Promise<LeasedGenerator> {
    if (config.damage !== undefined) return ownGenerator(transport, config);
    const key = JSON.stringify([transport ?? 'udp', config.shape.queues ?? 1, config.cores]);
    const rested = this.resting.get(key);
    this.resting.delete(key);
    const kept = rested && !rested.ended ? rested : await start(transport, config);
    kept.generator.wake();
    // Given back in order it serves on; a boot that ends otherwise takes it along, whatever state it is in.
    let leased = true;
    config.resources.defer(() => (leased ? end(kept) : undefined));
    const giveBack = async (): Promise<void> => {
      if (!leased) return;
      if (this.resting.has(key)) return end(kept);
      leased = false;
      kept.generator.rest();
      this.resting.set(key, kept);
    };
    return { generator: kept.generator, socket: kept.socket, giveBack };
  }

  async close(): Promise<void> {
    const all = [...this.resting.values()];
    this.resting.clear();
    await Promise.all(all.map(end));
  }
}

async function start(transport: Transport | undefined, config: BootConfig): Promise<KeptGenerator> {
  const resources = new Resources();
  try {
    const socket = join(resources.directory(), 'net.sock');
    const generator = await startGenerator({ kind: 'vhost-user', socket }, transport, { ...config, resources });
    const kept = { generator, socket, resources, ended: false };
    generator.ended.then(() => {
      kept.ended = true;
    });
    return kept;
  } catch (error) {
    await resources.close();
    throw error;
  }
}

async function end({ generator, resources }: KeptGenerator): Promise<void> {
  // One that rests would not hear that it shall end.
  generator.wake();
  await resources.close();
}
