import { parseVariant } from '@plumbline/variants';
import { expect, it } from 'vitest';
import { SUBJECTS } from '../subjects/index.ts';
import { memcachedUdp } from './memcached-udp.ts';
import type { Scope } from './workload.ts';

function parametersOf(subject: string, scope: Scope) {
  const plan = memcachedUdp.plan({ host: 'kvm_pvm', subjects: SUBJECTS, variants: [parseVariant('default')], scope });
  return plan.find((template) => template.subject === subject)?.points.map(({ parameters }) => parameters) ?? [];
}

it('the default run has the plain mixes and ETC, for our kernel and Linux alike', () => {
  const ours = parametersOf('plumbline', 'default');
  expect(new Set(ours.map(({ mix }) => mix))).toEqual(new Set(['get', 'get-set', 'etc']));
  expect(parametersOf('linux-host', 'default')).toEqual(ours);
  expect(parametersOf('echo', 'default').every(({ mix }) => mix === 'get')).toBe(true);
});

it('a full run has an open loop too, at rates that Linux has as well', () => {
  const rates = (subject: string) => parametersOf(subject, 'full').flatMap(({ rate }) => rate ?? []);
  expect(rates('linux-host').length).toBeGreaterThan(1);
  expect(rates('plumbline')).toEqual(expect.arrayContaining(rates('linux-host')));
  expect(rates('echo')).toEqual([]);
});
