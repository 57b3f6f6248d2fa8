import { z } from 'zod';

const count = z.object({ files: z.int(), bytes: z.int() });

/** What an image's builder has to say: what is missing in it compared with an installed system. */
export const imageReport = z.object({
  /** Packages in the image, `name version`. */
  packages: z.array(z.string()),
  /** Dependencies that are not in the image, because nothing in it names their programs. */
  packagesLeftOut: z.array(z.string()),
  /** Files left out, by kind. */
  filesLeftOut: z.record(z.string(), count),
  /** Links that update-alternatives would have made; they are in the image. */
  alternatives: z.record(z.string(), z.string()),
  /** What else the packages' installation scripts would have done, by package; the image goes without. */
  scriptsNotRun: z.record(z.string(), z.array(z.string())),
  /** Files whose library or interpreter is in no package of the image. */
  missing: z.array(z.object({ path: z.string(), needs: z.string() })),
  /** Objects with `syscall` instructions: how many the kernel can replace by jumps, and why not the others. */
  systemCalls: z.array(
    z.object({ path: z.string(), buildId: z.string(), sites: z.int(), refused: z.array(z.string()) }),
  ),
  /** Names of the programs in the image. */
  programs: z.array(z.string()),
  contents: count,
  /** SHA-256 of the archive. */
  sha256: z.string(),
});
export type ImageReport = z.infer<typeof imageReport>;
