import { parseStanzas, type Stanza } from './stanza.ts';

/** All packages that the apt sources offer, each at the version apt prefers. */
export class PackageIndex {
  private readonly texts = new Map<string, string>();
  private readonly provided = new Map<string, string[]>();

  /** @param text paragraphs as `apt-cache dumpavail` writes them. */
  constructor(text: string) {
    for (let start = 0; start < text.length; ) {
      const found = text.indexOf('\n\n', start);
      const end = found < 0 ? text.length : found;
      this.add(text.slice(start, end));
      start = end + 2;
    }
  }

  private add(text: string): void {
    const name = /^Package: (\S+)$/m.exec(text)?.[1];
    if (name === undefined) return;
    this.texts.set(name, text);
    for (const item of /^Provides: (.*)$/m.exec(text)?.[1]?.split(',') ?? []) {
      const virtual = /^\s*([a-z0-9][a-z0-9.+-]*)/.exec(item)?.[1];
      if (virtual === undefined) continue;
      const providers = this.provided.get(virtual);
      if (providers === undefined) this.provided.set(virtual, [name]);
      else providers.push(name);
    }
  }

  /** The index entry of a package; undefined when it is not offered or only a virtual name. */
  candidate(name: string): Stanza | undefined {
    const text = this.texts.get(name);
    return text === undefined ? undefined : parseStanzas(text)[0];
  }

  /** Packages that provide a virtual name, sorted. */
  providers(name: string): string[] {
    return [...(this.provided.get(name) ?? [])].sort();
  }

  /** Offered packages whose name looks like one that is not offered, for an error's text. */
  similar(name: string): string[] {
    const stem = name.replace(/[0-9.]+$/, '');
    const names = [...this.texts.keys()].filter((other) => stem.length > 1 && other.startsWith(stem));
    return names.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).slice(0, 5);
  }
}
