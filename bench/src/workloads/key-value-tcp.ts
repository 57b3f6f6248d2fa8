import { MEMCACHED_TCP, REDIS } from '../subjects/service.ts';
import { mixTraffic } from './mix.ts';
import { combinations, type PointChoice, pointsOf, tcpWorkload } from './tcp-workload.ts';
import type { Parameters, Workload } from './workload.ts';

const CONNECTIONS = [1, 8, 50, 200, 1000];
const OUTSTANDING = [1, 16];

function loopOf({ connections, outstanding }: Parameters) {
  return { kind: 'closed', connections: Number(connections), outstanding: Number(outstanding) } as const;
}

const inWords = ({ connections, outstanding }: Parameters): string => `${connections} connections, ${outstanding} deep`;

const MEMCACHED_CHOICES: readonly PointChoice[] = [
  {
    parameters: { mix: 'get', connections: 50, outstanding: 1 },
    ...{ from: 'quick', variantsFrom: 'full', countedFrom: 'quick' },
  },
];

/** Throughput and latency of memcached's text protocol over TCP, by connections and requests under way on each. */
export const memcachedTcp: Workload = tcpWorkload({
  id: 'memcached-tcp',
  title: 'memcached over TCP: throughput and latency by connections; instructions per request',
  service: MEMCACHED_TCP,
  points: pointsOf(MEMCACHED_CHOICES, [
    ...combinations({ mix: ['get'], connections: CONNECTIONS, outstanding: OUTSTANDING }),
    ...combinations({ mix: ['get-set', 'etc'], connections: [50], outstanding: [1] }),
  ]),
  load: (parameters) => ({
    traffic: { ...mixTraffic(String(parameters.mix)), transport: 'tcp' },
    loop: loopOf(parameters),
  }),
  describe: (parameters) => `${parameters.mix}, ${inWords(parameters)}`,
});

const REDIS_CHOICES: readonly PointChoice[] = [
  {
    parameters: { operation: 'get', connections: 50, outstanding: 1 },
    ...{ from: 'quick', variantsFrom: 'full', countedFrom: 'quick' },
  },
  {
    parameters: { operation: 'get', connections: 50, outstanding: 16 },
    ...{ from: 'quick', variantsFrom: 'default', countedFrom: 'quick' },
  },
  {
    parameters: { operation: 'set', connections: 50, outstanding: 1 },
    ...{ from: 'default', variantsFrom: 'full', countedFrom: 'full' },
  },
];

/** Redis: GET and SET of the keys of the mix `get`, by connections and requests under way on each. */
export const redis: Workload = tcpWorkload({
  id: 'redis',
  title: 'redis: throughput and latency of GET and SET by connections; instructions per request',
  service: REDIS,
  points: pointsOf(
    REDIS_CHOICES,
    combinations({ operation: ['get', 'set'], connections: CONNECTIONS, outstanding: OUTSTANDING }),
  ),
  load: (parameters) => {
    const { keyspace, popularity } = mixTraffic('get');
    const getShare = parameters.operation === 'get' ? 1 : 0;
    return { traffic: { protocol: 'redis', port: 6379, keyspace, popularity, getShare }, loop: loopOf(parameters) };
  },
  describe: (parameters) => `${parameters.operation}, ${inWords(parameters)}`,
});
