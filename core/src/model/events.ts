import type { CellResult, RunStatus, Warning } from './run.ts';

/** What a flow tells while it goes on. Reporters print it; nothing in the core does. */
export type FlowEvent =
	| {
			readonly type: 'run began';
			readonly run: string;
			readonly directory: string;
			readonly notebook: string | null;
			readonly cells: number;
	  }
	| { readonly type: 'kernel ready'; readonly kernel: string; readonly seconds: number }
	| { readonly type: 'cell began'; readonly number: number; readonly of: number; readonly firstLine: string }
	| { readonly type: 'cell finished'; readonly result: CellResult; readonly of: number }
	| { readonly type: 'step'; readonly what: string; readonly done: number | null; readonly of: number | null }
	| { readonly type: 'warning'; readonly warning: Warning }
	| { readonly type: 'run ended'; readonly run: string; readonly status: RunStatus; readonly seconds: number };

/** Where a flow hands its events. */
export type Listener = (event: FlowEvent) => void;
