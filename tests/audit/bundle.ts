import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));

/** All our code in one file, `tell.mjs`, with the launcher beside it: a Cellar of its own. */
export async function bundle(folder: string): Promise<string> {
	await build({
		configFile: false,
		logLevel: 'error',
		build: {
			ssr: join(here, 'tell.ts'),
			outDir: folder,
			emptyOutDir: false,
			rollupOptions: { output: { entryFileNames: 'tell.mjs' } },
		},
		ssr: { noExternal: true },
	});
	copyFileSync(join(here, '../../core/src/audit/launch.sh'), join(folder, 'launch.sh'));
	return folder;
}
