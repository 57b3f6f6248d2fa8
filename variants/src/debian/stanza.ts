/** One paragraph of a Debian control file: fields by lower-case name. */
export type Stanza = ReadonlyMap<string, string>;

/**
 * Parses paragraphs of a control file (Debian Policy 5.1): `Name: value`, continuation lines begin with a blank.
 */
export function parseStanzas(text: string): Stanza[] {
  const stanzas: Stanza[] = [];
  let current = new Map<string, string>();
  let last: string | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '') {
      if (current.size > 0) stanzas.push(current);
      current = new Map();
      last = undefined;
    } else if (/^[ \t]/.test(line)) {
      if (last !== undefined) current.set(last, `${current.get(last)}\n${line.trim()}`);
    } else {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      last = line.slice(0, colon).toLowerCase();
      current.set(last, line.slice(colon + 1).trim());
    }
  }
  if (current.size > 0) stanzas.push(current);
  return stanzas;
}

/**
 * The packages that a stanza depends on (`Pre-Depends` and `Depends`; Debian Policy 7.1): for each clause the names of
 * its alternatives, without version and architecture restrictions.
 */
export function dependencyClauses(stanza: Stanza): string[][] {
  return ['pre-depends', 'depends']
    .flatMap((field) => (stanza.get(field) ?? '').split(','))
    .map((clause) => clause.split('|').map((name) => /^\s*([a-z0-9][a-z0-9.+-]*)/.exec(name)?.[1] ?? ''))
    .map((names) => names.filter((name) => name !== ''))
    .filter((names) => names.length > 0);
}
