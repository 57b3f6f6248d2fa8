import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { splitCommandLine } from './command-line.ts';

describe('splitCommandLine', () => {
  it.each([
    ["python3 -c 'print(1)'", ['python3', '-c', 'print(1)']],
    ['  a   b\tc ', ['a', 'b', 'c']],
    [`a "b c" 'd "e"' f"g"'h'`, ['a', 'b c', 'd "e"', 'fgh']],
    ['a "" \'\'', ['a', '', '']],
    ['a\\ b "c\\"d" "e\\\\f" "g\\nh"', ['a b', 'c"d', 'e\\f', 'g\\nh']],
    [`lua -e 'for i=1,2 do print(i*2) end; os.exit(3)'`, ['lua', '-e', 'for i=1,2 do print(i*2) end; os.exit(3)']],
    ['a b#c d~e "\\$HOME"', ['a', 'b#c', 'd~e', '$HOME']],
    ["cat '$HOME/*' \\$x", ['cat', '$HOME/*', '$x']],
  ])('%s', (text, words) => expect(splitCommandLine(text)).toEqual(words));

  it.each([
    ["python3 -c 'print(1)", /quote at "'print\(1\)" does not end/],
    ['a "b', /does not end/],
    ['a\\', /does not end/],
    ['ls | wc', /"\|" in "\|" would be for a shell/],
    ['echo $HOME', /"\$" in "\$HOME"/],
    ['echo "$HOME"', /would be for a shell/],
    ['ls *.py', /"\*" in "\*\.py"/],
    ['a > b', /">"/],
    ['a #b', /"#"/],
    ['ls ~', /"~"/],
    ['  ', /names no program/],
  ])('refuses %s', (text, reason) => {
    expect(() => splitCommandLine(text)).toThrow(UsageError);
    expect(() => splitCommandLine(text)).toThrow(reason);
  });
});
