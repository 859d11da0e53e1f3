import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** What every run of the tests shares; vitest.full.config.ts adds the long ones. */
export const shared: NonNullable<ViteUserConfig['test']> = {
	include: ['tests/**/*.test.ts'],
	// Tests start kernels and tracers of their own: more than two files at a time would only wait for each other.
	pool: 'forks',
	maxWorkers: 2,
	// A limit is for what hangs: a busy machine takes several times as long as a quiet one.
	testTimeout: 180_000,
	hookTimeout: 180_000,
	reporters: ['default', './scripts/closing-line-reporter.mjs'],
};

export default defineConfig({ test: { ...shared, exclude: ['tests/**/*.full.test.ts'] } });
