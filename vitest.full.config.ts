import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.ts';

/** Every test, those too that are too long for every commit (`*.full.test.ts`). */
export default defineConfig({ test: { ...shared, testTimeout: 600_000, env: { CELLAR_TEST_FULL: '1' } } });
