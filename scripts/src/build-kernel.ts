import { buildKernel, parseVariant, UnknownVariantError } from '@plumbline/variants';
import { Command } from 'commander';

const command = new Command('npm run build:kernel --')
  .description('Builds the kernel of a variant and prints where it is.')
  .option('--variant <variant>', 'a preset or values such as idle=halt', 'default')
  .parse();

try {
  const image = await buildKernel(parseVariant(command.opts<{ variant: string }>().variant).values);
  console.log(`${image.boot}  ${image.bytes} bytes  build id ${image.buildId}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UnknownVariantError ? error.exitCode : 70;
}
