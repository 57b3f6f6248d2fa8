import { expect, it } from 'vitest';
import { leastMemory } from './least-memory.ts';

function needing(bytes: number) {
  const tries: number[] = [];
  return {
    tries,
    serves: async (offered: number) => {
      tries.push(offered);
      return offered >= bytes;
    },
  };
}

it('finds the least step that serves, wherever it is', async () => {
  for (let need = 1; need <= 64; need += 1) {
    const { serves } = needing(need * 10 - 5);
    expect(await leastMemory({ serves, step: 10, highest: 640 })).toBe(need * 10);
  }
});

it('confirms a guess with two tries and corrects a wrong one', async () => {
  const { serves, tries } = needing(70);
  expect(await leastMemory({ serves, step: 10, highest: 640, guess: 70 })).toBe(70);
  expect(tries).toEqual([70, 60]);
  expect(await leastMemory({ serves, step: 10, highest: 640, guess: 200 })).toBe(70);
  expect(await leastMemory({ serves, step: 10, highest: 640, guess: 20 })).toBe(70);
});

it('says so when nothing serves', async () => {
  expect(await leastMemory({ ...needing(1000), step: 10, highest: 640 })).toBeUndefined();
});
