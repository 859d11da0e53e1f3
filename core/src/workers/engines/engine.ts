/** What is known of an engine beside the agent's marks: a file each in this folder. */
export interface Engine {
	/** As its marks begin, and as `--engine` names it. */
	readonly name: string;
	/** Whether a command starts a worker of it. @param words the program and its arguments */
	isWorker(words: readonly string[]): boolean;
}
