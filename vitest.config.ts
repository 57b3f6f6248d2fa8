import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{variants,bench,reports,datasets,scripts,paper}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'build/**'],
    // Guests, network namespaces and the two CPUs are shared: test files run one after the other.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
