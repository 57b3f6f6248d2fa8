import { createHash } from 'node:crypto';
import { release } from 'node:os';
import { readThreads } from 'perf-hooks-extra';
import { EnvironmentError } from '../errors.ts';
import { linuxHostSupport, startLinuxHost } from '../linux/index.ts';
import { startGenerator } from './generator.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's memcached as a process of this host, pinned to the core that the vCPU would have. */
export const linuxHost: Subject = {
  id: 'linux-host',
  title: "Debian's memcached as a process of this host, over a veth pair",
  hasVariants: false,
  realAccelerator: () => 'none',
  exactAccelerator: undefined,
  prepare: prepareLinuxHost,
};

async function prepareLinuxHost(): Promise<PreparedSubject> {
  const support = await linuxHostSupport();
  if (!support.available) throw new EnvironmentError(`linux-host: ${support.reason}. ${support.remedy}`);
  const identity = release();
  const packages: Record<string, string> = {};
  return {
    identity: {
      kernelBuildId: identity,
      imageBuildId: createHash('sha256').update(identity).digest('hex'),
      packages,
    },
    boot: (config) => bootLinuxHost(config, packages),
  };
}

/** @param packages gets the versions of what was started. */
async function bootLinuxHost(config: BootConfig, packages: Record<string, string>): Promise<RunningSubject> {
  const startedNs = process.hrtime.bigint();
  const host = await startLinuxHost({ core: config.cores.server, ...(config.signal ? { signal: config.signal } : {}) });
  config.resources.defer(() => host.stop());
  for (const { name, version } of host.packages) packages[name] = version;
  const generator = await startGenerator(
    { kind: 'packet', interface: host.generatorInterface, prefix: host.generatorPrefix },
    config,
  );
  const answered = generator.waitAnswer({ request: 'get', port: 11211, timeoutMs: config.answerTimeoutMs });
  answered.catch(() => {});
  let output = '';
  return {
    generator,
    protocol: 'memcached',
    startedNs,
    answered,
    ended: host.ended.then((end) => {
      output = end.output;
      return { reason: end.reason, console: end.output };
    }),
    serverThreads: async () => readThreads(host.pid),
    console: () => output,
    stop: async () => {
      await generator.stop();
      await host.stop();
    },
  };
}
