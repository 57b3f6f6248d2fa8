import { NGINX, PAGE_BYTES } from '../subjects/service.ts';
import { combinations, type PointChoice, pointsOf, tcpWorkload } from './tcp-workload.ts';
import type { Workload } from './workload.ts';

const CHOICES = [true, false].map(
  (keepAlive): PointChoice => ({
    parameters: { connections: 50, 'keep-alive': keepAlive },
    ...{ from: 'default', variantsFrom: 'full', countedFrom: 'full' },
  }),
);

/** nginx and a small page: on connections that stay, and on one for each request. */
export const nginx: Workload = tcpWorkload({
  id: 'nginx',
  title: `nginx: pages of ${PAGE_BYTES} bytes, on connections that stay open and on one each`,
  service: NGINX,
  points: pointsOf(CHOICES, combinations({ connections: [1, 50, 1000], 'keep-alive': [true, false] })),
  load: (parameters) => ({
    traffic: {
      protocol: 'http',
      port: 80,
      path: '/',
      bodyBytes: PAGE_BYTES,
      keepAlive: parameters['keep-alive'] === true,
    },
    loop: { kind: 'closed', connections: Number(parameters.connections), outstanding: 1 },
  }),
  describe: (parameters) =>
    `${parameters.connections} connections, ${parameters['keep-alive'] === true ? 'kept' : 'one a request'}`,
});
