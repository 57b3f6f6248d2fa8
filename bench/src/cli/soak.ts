import { parseVariant } from '@plumbline/variants';
import { Option } from 'commander';
import { pause } from '../deadline.ts';
import { BenchError } from '../errors.ts';
import { soakTcp } from '../interoperation/soak.ts';
import { duration } from '../runner/progress.ts';
import { takeMeasurementLock } from '../runner/run-store.ts';
import { type BufferCensus, BufferLeak, censusCount, lastCensus, type SoakCounts } from '../runner/soak.ts';
import { findSubject, MEMCACHED_UDP, SubjectFailure } from '../subjects/index.ts';
import { chooseAccelerator, chooseCores, closeOnSignal, parseAcceleratorRequest, Resources } from '../vmm/index.ts';
import { loadMix, memcachedTraffic } from '../workloads/mix.ts';
import { derivedSeed } from '../workloads/random.ts';
import { startAnswering } from '../workloads/start.ts';
import { runCommand } from './exit.ts';
import { command, integer, parseArguments } from './options.ts';

const program = command(
  'soak',
  'Full load with random loss and damage for a long time; at the end no packet buffer may be lost.',
)
  .option('--minutes <n>', 'how long', integer('--minutes', 1, 10_080), 60)
  .option('--variant <preset>', 'variant of our kernel', 'default')
  .option('--accel <name>', 'auto, kvm or tcg', 'auto')
  .addOption(
    new Option(
      '--tcp',
      "our TCP with Linux's over a wire that loses, reorders, repeats and delays, a minute at each point",
    ).conflicts('minutes'),
  )
  .option('--seed <n>', 'decides requests, losses and damage', integer('--seed', 0, 0xffffffff));

interface SoakOptions {
  minutes: number;
  variant: string;
  accel: string;
  tcp?: boolean;
  seed?: number;
}

/** Traffic is made in parts, so that progress is seen and a guest that has died is noticed. */
const PART_SECONDS = 10;
/** Of the packets sent, so many are dropped, and so many cut short, before they reach the guest. */
const DAMAGE = { drop: 0.02, cut: 0.01 };
/** The guest gives up incomplete datagrams after a fixed time (RFC 1122, 3.3.2); then all is at rest. */
const REST_SECONDS = 70;
const MEMORY_BYTES = 256 << 20;

await runCommand(async () => {
  if (!parseArguments(program, process.argv.slice(2))) return 0;
  const options = program.opts<SoakOptions>();
  const variant = parseVariant(options.variant);
  const seed = options.seed ?? Date.now() % 0x1_0000_0000;
  const choice = chooseAccelerator(parseAcceleratorRequest(options.accel));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  say(`Accelerator: ${choice.reason}. Seed ${seed}.`);
  if (options.tcp) {
    const release = takeMeasurementLock();
    return soakTcp(variant, choice.accelerator, seed, say).finally(release);
  }
  const cores = chooseCores();
  const resources = new Resources();
  resources.defer(takeMeasurementLock());
  const offSignals = closeOnSignal(resources, (signal) => say(`${signal}: stopping the guest`));
  try {
    const prepared = await findSubject('plumbline').prepare(MEMCACHED_UDP, variant, say);
    const { running, orFailure } = await startAnswering(prepared, {
      accelerator: choice.accelerator,
      variant,
      shape: { machine: 'microvm', vcpus: 1, memoryBytes: MEMORY_BYTES },
      cores,
      resources,
      directory: resources.directory(),
      counting: false,
      options: { 'net.census': 'on' },
      damage: { ...DAMAGE, seed },
      answerTimeoutMs: 60_000,
    });
    const mix = loadMix('etc');
    // Some values are longer than a packet: their sets come in fragments, of which some are lost.
    const traffic = { ...memcachedTraffic(mix, derivedSeed(0, 'etc')), getShare: 0.7 };
    await orFailure(running.generator.populate({ keyspace: traffic.keyspace, timeoutMs: 120_000 }));
    // At rest, an answer wakes the queue and sends it back to rest, where it says what it holds.
    const census = async (): Promise<BufferCensus[]> => {
      const known = censusCount(running.console());
      await orFailure(running.generator.ask({ request: 'version\r\n', timeoutMs: 10_000 }));
      for (let tries = 0; tries < 100 && censusCount(running.console()) === known; tries += 1) await pause(50);
      return lastCensus(running.console());
    };
    await pause(2_000);
    for (const queue of await census())
      say(
        `Queue ${queue.queue}: ${queue.total} packet buffers, ${queue.elsewhere} elsewhere at rest. Load for ${options.minutes} min.`,
      );
    const counts: SoakCounts = { sent: 0, replies: 0 };
    const started = performance.now();
    for (let part = 0; performance.now() - started < options.minutes * 60_000; part += 1) {
      const { totals, firstBad } = await orFailure(
        running.generator.run({
          traffic,
          loop: { kind: 'closed', connections: 8, outstanding: 64 },
          limit: { kind: 'seconds', seconds: PART_SECONDS },
          warmup: { kind: 'none' },
          // A lost request blocks its place in the window no longer than this.
          lossTimeoutMs: 10,
          probe: false,
          seed: derivedSeed(seed, `part ${part}`),
          timeoutMs: PART_SECONDS * 5_000,
        }),
      );
      counts.sent += totals.sent;
      counts.replies += totals.replies;
      if (totals.replies === 0) throw new SubjectFailure('the guest answers nothing any more', running.console());
      if (totals.bad > 0) throw new BenchError(`${totals.bad} wrong replies, the first: ${firstBad ?? 'unknown'}`);
      const passed = (performance.now() - started) / 1000;
      say(
        `${duration(passed)}: ${(totals.replies / PART_SECONDS / 1e6).toFixed(3)} M replies/s, ${((1 - totals.replies / totals.sent) * 100).toFixed(2)} % unanswered`,
      );
    }
    say(`At rest for ${REST_SECONDS} s, until incomplete packets are given up.`);
    await orFailure(pause(REST_SECONDS * 1000));
    const after = await census();
    await running.stop();
    for (const queue of after) if (queue.elsewhere !== 0) throw new BufferLeak(queue, counts);
    say(`No buffer lost after ${counts.sent} requests and ${counts.replies} replies.`);
    return 0;
  } catch (error) {
    if (error instanceof SubjectFailure) throw new BenchError(`${error.message}\n${error.console}`);
    throw error;
  } finally {
    offSignals();
    await resources.close();
  }
});
