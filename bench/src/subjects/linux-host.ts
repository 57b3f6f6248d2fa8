import { createHash } from 'node:crypto';
import { release } from 'node:os';
import { fetchImagePackages } from '@plumbline/variants';
import { readThreads } from 'perf-hooks-extra';
import { EnvironmentError } from '../errors.ts';
import { type HostServer, hostCommand, linuxHostSupport, startLinuxHost } from '../linux/index.ts';
import { startGenerator } from './generator.ts';
import { startHostProgram } from './linux-host-program.ts';
import { SERVICE_IDS, type Service } from './service.ts';
import type { BootConfig, PreparedSubject, RunningSubject, Subject } from './subject.ts';

/** Debian's servers as processes of this host, pinned to the core that the vCPU would have. */
export const linuxHost: Subject = {
  id: 'linux-host',
  title: "Debian's servers as processes of this host, over a veth pair",
  hasVariants: false,
  realAccelerator: () => 'none',
  runsPrograms: true,
  exactAccelerator: undefined,
  serves: SERVICE_IDS,
  prepare: prepareLinuxHost,
};

async function prepareLinuxHost(
  service: Service,
  _variant: unknown,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<PreparedSubject> {
  const support = await linuxHostSupport();
  if (!support.available) throw new EnvironmentError(`linux-host: ${support.reason}. ${support.remedy}`);
  // Fetched here: a boot must not wait for a mirror.
  const fetched = await fetchImagePackages(service.packages, { onProgress, ...(signal ? { signal } : {}) });
  for (const notice of fetched.notices) onProgress(notice);
  const packages = {
    ...Object.fromEntries(fetched.packages.map(({ name, version }) => [name, version])),
    ...(await service.prepare()),
  };
  const identity = release();
  return {
    identity: {
      kernelBuildId: identity,
      imageBuildId: createHash('sha256')
        .update(JSON.stringify([identity, packages]))
        .digest('hex'),
      packages,
    },
    boot: (config) => bootLinuxHost(service, config),
    startProgram: startHostProgram,
  };
}

async function serverOf(service: Service, config: BootConfig): Promise<HostServer> {
  const { packages } = await fetchImagePackages(service.packages, {});
  const { directory, shape } = config;
  const program = await service.program({
    ...{ vcpus: shape.vcpus, directory, scratch: directory },
    seen: ({ host }) => host,
  });
  return { name: service.id, command: await hostCommand(packages, program), port: service.question.port };
}

async function bootLinuxHost(service: Service, config: BootConfig): Promise<RunningSubject> {
  const server = await serverOf(service, config);
  const startedNs = process.hrtime.bigint();
  const host = await startLinuxHost({
    ...{ core: config.cores.server, server },
    ...(config.signal ? { signal: config.signal } : {}),
  });
  config.resources.defer(() => host.stop());
  const generator = await startGenerator(
    { kind: 'packet', interface: host.generatorInterface, prefix: host.generatorPrefix },
    service.question.transport,
    config,
  );
  const answered = generator.waitAnswer({ ...service.question, timeoutMs: config.answerTimeoutMs });
  answered.catch(() => {});
  let output = '';
  return {
    generator,
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
