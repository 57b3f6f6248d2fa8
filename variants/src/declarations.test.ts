import { describe, expect, it } from 'vitest';
import {
  bootOptions,
  buildDefinitions,
  buildKey,
  DIMENSIONS,
  defaultValues,
  isOfPrograms,
  PRESETS,
  parseVariant,
} from './index.ts';

describe('variants', () => {
  it('has a default among the values of every dimension', () => {
    for (const dimension of DIMENSIONS) expect(Object.keys(dimension.values)).toContain(dimension.default);
  });

  it('reads presets and values, the rest being the default', () => {
    expect(parseVariant('default').values).toEqual(defaultValues());
    expect(parseVariant('idle=halt')).toEqual({ name: 'halt', values: PRESETS.halt });
    expect(parseVariant('sched=spinlock,idle=poll').name).toBe('default');
  });

  it.each([
    ['fast', /no such preset; presets are default, halt, trap, copy, small-pages/],
    ['speed=high', /no dimension 'speed'; dimensions are sched, net, idle, syscall, pages/],
    ['idle=never', /idle cannot be 'never'; allowed are poll, halt/],
    ['idle=', /not of the form dimension=value/],
    ['idle=halt;rm', /not of the form dimension=value/],
  ])('refuses %s by name', (text, message) => {
    expect(() => parseVariant(text)).toThrow(message);
  });

  it('knows what only programs notice', () => {
    expect(isOfPrograms(parseVariant('small-pages'))).toBe(true);
    expect(isOfPrograms(parseVariant('pages=4k,idle=halt'))).toBe(true);
    expect(isOfPrograms(parseVariant('halt'))).toBe(false);
    expect(isOfPrograms({ name: 'debian', values: {} })).toBe(false);
  });

  it('separates what is built from what is booted', () => {
    const { values } = parseVariant('idle=halt');
    expect(buildDefinitions(values)).toEqual({ PLUMBLINE_SCHED: 'spinlock', PLUMBLINE_NET: 'zerocopy' });
    expect(bootOptions(values)).toEqual({ 'net.poll-spins': '0', 'linux.syscall': 'call', 'memory.pages': '2m' });
    expect(buildDefinitions(parseVariant('copy').values).PLUMBLINE_NET).toBe('copy');
    expect(buildKey(values)).toBe('sched-spinlock_net-zerocopy');
  });
});
