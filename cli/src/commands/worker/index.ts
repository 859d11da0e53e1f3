import { buildRouteMap } from '@stricli/core';
import { add } from './add.ts';
import { bundle } from './bundle.ts';
import { start } from './start.ts';

export const worker = buildRouteMap({
	routes: { start, bundle, add },
	defaultCommand: 'start',
	docs: {
		brief: 'Start an engine’s worker under audit, for a run that goes on',
		fullDescription:
			'  cellar worker --run latest -- dask worker tcp://scheduler:8786\n' +
			'      for the newest run, which is under way; start may be left out, and cellar worker start --help tells its options\n' +
			'  cellar worker bundle -o cellar-bundle\n' +
			'      for machines that have neither Node nor strace nor Cellar\n' +
			'  cellar worker add latest cellar-report-20260301-093000-4f1c\n' +
			'      what workers have left where they could not reach the run',
	},
});
