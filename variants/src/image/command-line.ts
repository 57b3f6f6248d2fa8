import { UsageError } from '../errors.ts';

/** A blank, a quoted part or a plain part of a word (POSIX.1-2017, Shell Command Language, 2.2 Quoting). */
const TOKEN = /(\s+)|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;
/** What a shell would act on outside of quotes. */
const SPECIAL = /[|&;<>()$`*?[\]]|^[#~]/;

/**
 * Splits a command line into words as a shell does, quotes and backslashes included. No shell is run: what only a shell
 * could do (variables, patterns, pipes, redirection) is refused rather than passed on.
 * @throws UsageError for a quote that does not end, and for what needs a shell
 */
export function splitCommandLine(text: string): string[] {
  const refuse = (what: string): UsageError =>
    new UsageError(`command line: ${what} No shell is run; put single quotes around text that is meant as it is.`);
  const words: string[] = [];
  let word: string | undefined;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw refuse(`the quote at "${text.slice(at, at + 20)}" does not end.`);
    const [, blank, single, double, escaped, plain] = match;
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const special = plain === undefined ? undefined : SPECIAL.exec(plain)?.[0];
    if (special !== undefined && (word === undefined || !/[#~]/.test(special))) {
      throw refuse(`"${special}" in "${plain}" would be for a shell.`);
    }
    if (double !== undefined && /(?:^|[^\\])(?:\\\\)*[$`]/.test(double)) {
      throw refuse(`"$" and "\`" in "${double}" would be for a shell.`);
    }
    word = `${word ?? ''}${single ?? double?.replace(/\\([$`"\\])/g, '$1').replace(/\\\n/g, '') ?? escaped ?? plain}`;
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new UsageError('command line: it names no program.');
  return words;
}
