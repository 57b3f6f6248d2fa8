import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The browser's part of the page as one script: our charts and what they use of d3. */
export async function clientScript(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('./client.ts', import.meta.url))],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: 'es2022',
    // Bundled text goes into a page of its own encoding; ASCII survives all of them.
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const file = result.outputFiles[0];
  if (file === undefined) throw new Error('esbuild made no output for the report page');
  return file.text;
}
