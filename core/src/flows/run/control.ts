/** How a user stops a flow: `stop` interrupts the running cell and saves the run, `kill` ends the kernel at once. */
export interface Control {
	readonly stop: AbortSignal;
	readonly kill: AbortSignal;
}
