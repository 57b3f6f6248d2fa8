import { describe, expect, it } from 'vitest';
import { type CounterReading, counterReadingSchema, instructionsPerRequest } from './counters.ts';

function reading(values: Partial<CounterReading['total']>): CounterReading {
  const zero = { user: 0, kernel: 0, idle: 0, repExecutions: 0, repInstructions: 0, halts: 0, markers: 0 };
  return counterReadingSchema.parse({ vcpus: [{ ...zero, ...values }, zero] });
}

describe('instructionsPerRequest', () => {
  it('divides what lies between two readings', () => {
    const before = reading({ user: 100, kernel: 1000, idle: 7, repExecutions: 50, repInstructions: 5 });
    const after = reading({ user: 300, kernel: 5000, idle: 107, repExecutions: 450, repInstructions: 45, halts: 20 });
    expect(instructionsPerRequest(before, after, 10)).toEqual({
      busy: 420,
      user: 20,
      kernel: 400,
      withoutRepIterations: 384,
      repExecutions: 40,
      idle: 10,
      halts: 2,
    });
  });
  it('refuses no requests, and readings of two guests', () => {
    expect(() => instructionsPerRequest(reading({}), reading({}), 0)).toThrow(RangeError);
    expect(() => instructionsPerRequest(reading({ user: 2 }), reading({ user: 1 }), 1)).toThrow(/user went backwards/);
  });
});

describe('counterReadingSchema', () => {
  it('adds the vCPUs up', () => {
    const one = { user: 1, kernel: 2, idle: 3, repExecutions: 4, repInstructions: 5, halts: 6, markers: 7 };
    const parsed = counterReadingSchema.parse({ vcpus: [one, one] });
    expect(parsed.total).toEqual({
      user: 2,
      kernel: 4,
      idle: 6,
      repExecutions: 8,
      repInstructions: 10,
      halts: 12,
      markers: 14,
    });
  });
  it('refuses what the plugin never sends', () => {
    expect(counterReadingSchema.safeParse({ error: 'unknown request' }).success).toBe(false);
    expect(counterReadingSchema.safeParse({ vcpus: [] }).success).toBe(false);
  });
});
