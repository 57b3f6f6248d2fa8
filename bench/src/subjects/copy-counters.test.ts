import { describe, expect, it } from 'vitest';
import { COPY_WAYS, decodeCopies } from './copy-counters.ts';

describe('decodeCopies', () => {
  it('sums over queue pairs, way by way', () => {
    const memory = Buffer.alloc(8 * COPY_WAYS.length * 16);
    const put = (pair: number, way: number, copies: number, bytes: number): void => {
      const at = (pair * COPY_WAYS.length + way) * 16;
      memory.writeBigUInt64LE(BigInt(copies), at);
      memory.writeBigUInt64LE(BigInt(bytes), at + 8);
    };
    put(0, 0, 3, 300);
    put(7, 0, 4, 2 ** 40);
    put(0, 4, 1, 64);
    const counts = decodeCopies(memory);
    expect(counts['from-program']).toEqual({ copies: 7, bytes: 2 ** 40 + 300 });
    expect(counts['to-make-room']).toEqual({ copies: 1, bytes: 64 });
    expect(counts['to-device']).toEqual({ copies: 0, bytes: 0 });
  });
  it('refuses memory of another size', () => {
    expect(() => decodeCopies(Buffer.alloc(16))).toThrow(/plumbline_net_copies: 16 bytes/);
  });
});
