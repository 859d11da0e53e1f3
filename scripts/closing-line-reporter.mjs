// The last line of a test run, for whoever reads only that: `N passed, N failed`.

/** A vitest reporter. What keeps tests from running at all (a file that does not load, an error outside of any test) counts as failed. */
export default class ClosingLine {
	onTestRunEnd(modules, unhandledErrors) {
		let passed = 0;
		let failed = unhandledErrors.length;
		for (const module of modules) {
			for (const test of module.children.allTests()) {
				const { state } = test.result();
				if (state === 'passed') passed++;
				else if (state !== 'skipped') failed++;
			}
			failed += module.errors().length;
		}
		// Other reporters print their summaries at this same time; this line comes after all of them.
		process.once('exit', () => process.stdout.write(`\n${passed} passed, ${failed} failed\n`));
	}
}
