import { createHash } from 'node:crypto';
import { release } from 'node:os';
import { fetchPackageSet } from '@plumbline/variants';
import { readThreads } from 'perf-hooks-extra';
import { EnvironmentError } from '../errors.ts';
import { linuxHostSupport, startLinuxHost } from '../linux/index.ts';
import { startGenerator } from './generator.ts';
import { startHostProgram } from './linux-host-program.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's memcached as a process of this host, pinned to the core that the vCPU would have. */
export const linuxHost: Subject = {
  id: 'linux-host',
  title: "Debian's memcached as a process of this host, over a veth pair",
  hasVariants: false,
  realAccelerator: () => 'none',
  runsPrograms: true,
  exactAccelerator: undefined,
  prepare: prepareLinuxHost,
};

async function prepareLinuxHost(
  _variant: unknown,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<PreparedSubject> {
  const support = await linuxHostSupport();
  if (!support.available) throw new EnvironmentError(`linux-host: ${support.reason}. ${support.remedy}`);
  // Fetched here: a boot must not wait for a mirror.
  const fetched = await fetchPackageSet('memcached', { onProgress, ...(signal ? { signal } : {}) });
  for (const notice of fetched.notices) onProgress(notice);
  const packages = Object.fromEntries(fetched.packages.map(({ name, version }) => [name, version]));
  const identity = release();
  return {
    identity: {
      kernelBuildId: identity,
      imageBuildId: createHash('sha256')
        .update(JSON.stringify([identity, packages]))
        .digest('hex'),
      packages,
    },
    boot: bootLinuxHost,
    startProgram: startHostProgram,
  };
}

async function bootLinuxHost(config: BootConfig): Promise<RunningSubject> {
  const startedNs = process.hrtime.bigint();
  const host = await startLinuxHost({ core: config.cores.server, ...(config.signal ? { signal: config.signal } : {}) });
  config.resources.defer(() => host.stop());
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
