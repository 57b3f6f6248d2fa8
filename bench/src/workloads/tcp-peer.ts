import { TCP_PEER } from '../subjects/service.ts';
import { combinations, type PointChoice, pointsOf, tcpWorkload } from './tcp-workload.ts';
import type { Scope, Workload } from './workload.ts';

const choice = (
  parameters: PointChoice['parameters'],
  from: Scope,
  variantsFrom: Scope,
  countedFrom: Scope = 'full',
): PointChoice => ({ parameters, from, variantsFrom, countedFrom });

const PAYLOADS = [1, 64, 1024, 16_384, 65_536];

/** A payload there and back, one at a time on each connection. */
export const tcpRr: Workload = tcpWorkload({
  id: 'tcp-rr',
  title: 'tcp-rr: a payload there and back, one at a time on each connection',
  service: TCP_PEER,
  points: pointsOf(
    [choice({ connections: 1, payload: 1 }, 'default', 'full')],
    combinations({ connections: [1, 8, 50], payload: PAYLOADS }),
  ),
  load: ({ connections, payload }) => ({
    traffic: { protocol: 'echo', transport: 'tcp', port: 7, payloadBytes: Number(payload) },
    loop: { kind: 'closed', connections: Number(connections), outstanding: 1 },
  }),
  describe: ({ connections, payload }) => `${payload} bytes, ${connections} connections`,
});

const MESSAGES = [64, 256, 1024, 4096, 16_384, 65_536];
const DIRECTIONS = ['to-server', 'from-server'] as const;
type Direction = (typeof DIRECTIONS)[number];
/** Where the peer program discards, and where it sends without end. */
const PORTS: Record<Direction, number> = { 'to-server': 9, 'from-server': 19 };

/** Payload that is counted at a point: a hundred times what is on its way when the count ends. */
const COUNTED_BYTES = 320 << 20;
/** Of short messages fewer bytes, so that the emulator is done in time; bench/README.md says what that costs. */
const MOST_COUNTED = 200_000;

/** Bytes in one direction, by the size of the messages in which the program reads or writes. */
export const tcpStream: Workload = tcpWorkload({
  id: 'tcp-stream',
  title: 'tcp-stream: bytes in one direction, by the size of the program’s messages',
  service: TCP_PEER,
  points: pointsOf(
    DIRECTIONS.flatMap((direction) => [
      choice({ direction, message: 16_384 }, 'quick', 'quick', 'default'),
      choice({ direction, message: 65_536 }, 'quick', 'quick'),
    ]),
    combinations({ direction: DIRECTIONS, message: MESSAGES }),
  ),
  load: ({ direction, message }) => ({
    traffic: {
      protocol: 'stream',
      port: PORTS[direction as Direction],
      direction: direction as Direction,
      messageBytes: Number(message),
    },
    loop: { kind: 'closed', connections: 1, outstanding: 1 },
  }),
  describe: ({ direction, message }) => `${message} bytes a message ${direction}`,
  counted: ({ traffic }) =>
    'messageBytes' in traffic ? Math.min(MOST_COUNTED, Math.ceil(COUNTED_BYTES / traffic.messageBytes)) : 0,
});

/** Connections a second: opened, one echo, closed. */
export const connect: Workload = tcpWorkload({
  id: 'connect',
  title: 'connect: connections a second, each opened, asked once and closed',
  service: TCP_PEER,
  points: pointsOf([choice({ connections: 50 }, 'default', 'full')], combinations({ connections: [1, 8, 50, 200] })),
  load: ({ connections }) => ({
    traffic: { protocol: 'connect', port: 7, payloadBytes: 64 },
    loop: { kind: 'closed', connections: Number(connections), outstanding: 1 },
  }),
  describe: ({ connections }) => `${connections} at a time`,
});

/** Connections from so many addresses: the generator gives one 55,536 ports (10000 to 65535). */
const SOURCES = 2;

/** Echoes beside many connections that are idle, and on many that are not. */
export const scale: Workload = tcpWorkload({
  id: 'scale',
  title: 'scale: echoes beside 100,000 idle connections, and on 1,000',
  service: TCP_PEER,
  memoryBytes: 512 << 20,
  points: [
    { connections: 50, idle: 0 },
    { connections: 50, idle: 100_000 },
    { connections: 1000, idle: 0 },
  ].map((parameters): PointChoice => ({ parameters, from: 'full', variantsFrom: 'full', countedFrom: 'full' })),
  load: ({ connections, idle }) => ({
    traffic: { protocol: 'echo', transport: 'tcp', port: 7, payloadBytes: 64 },
    loop: { kind: 'closed', connections: Number(connections), outstanding: 1 },
    idleConnections: Number(idle),
    sources: SOURCES,
  }),
  describe: ({ connections, idle }) => `${connections} connections, ${idle} idle`,
});
