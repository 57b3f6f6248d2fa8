import { expect, it } from 'vitest';
import { packagesOfProgram } from './guess.ts';

it.each([
  ['python3', ['python3']],
  ['/usr/bin/perl', ['perl']],
  ['hackbench', ['rt-tests']],
  ['lua', ['lua5.4']],
  ['sh', ['dash']],
  ['redis-server', ['redis-server']],
  ['No_Package', []],
])('%s is in %j', async (program, packages) => {
  expect(await packagesOfProgram(program)).toEqual(packages);
});
