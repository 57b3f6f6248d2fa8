import { expect, it } from 'vitest';
import { programEnd, shellStatus } from './program.ts';

it('reads from the log how a program ended', () => {
  const exit = programEnd('[  0.1] plumbline on tcg\r\n[  0.2] program: exit status 3\r\n');
  expect(exit).toEqual({ kind: 'exit', status: 3 });
  expect(exit && shellStatus(exit)).toBe(3);
  const killed = programEnd('[  0.2] program: killed by signal 11 (SIGSEGV)\n');
  expect(killed).toEqual({ kind: 'signal', number: 11, name: 'SIGSEGV' });
  expect(killed && shellStatus(killed)).toBe(139);
  expect(programEnd('[  0.2] program: started\n')).toBeUndefined();
});
