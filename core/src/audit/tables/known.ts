/** What calls were that come again and again, by the number that the reader gives to all that one says. */
export interface KnownUses {
	/**
	 * Calls that say this are this use.
	 *
	 * @param folder only as long as this is the working folder of who calls; null: wherever that is
	 */
	learn(said: number, use: number, folder: string | null): void;
	/** The use that a call is by a thread whose working folder is `working`; -1 where that is not known. */
	useOf(said: number, working: string | null): number;
	/** The row in which the last such call was counted, where that was for the same owner; otherwise -1. */
	rowOf(said: number, owner: number): number;
	counted(said: number, owner: number, row: number): void;
	forget(): void;
}

/** Side by side, for memory is what takes time here. A use and a row and one more: 0 is none. So it is with the folder's number. */
const width = 4;
const column = { use: 0, folder: 1, owner: 2, row: 3 } as const;

export function createKnownUses(): KnownUses {
	let known = new Int32Array(width << 8);
	/** From 1 on: there are few. */
	const folders: (string | null)[] = [null];

	const numberOf = (folder: string | null): number => {
		const number = folders.lastIndexOf(folder);
		return number >= 0 ? number : folders.push(folder) - 1;
	};
	return {
		learn(said, use, folder) {
			while (said * width >= known.length) {
				const larger = new Int32Array(known.length * 2);
				larger.set(known);
				known = larger;
			}
			known[said * width + column.use] = use + 1;
			known[said * width + column.folder] = numberOf(folder);
			known[said * width + column.row] = 0;
		},
		useOf(said, working) {
			const at = said * width;
			if (at >= known.length) return -1;
			const folder = known[at + column.folder]!;
			return folder === 0 || folders[folder] === working ? known[at + column.use]! - 1 : -1;
		},
		rowOf: (said, owner) => (known[said * width + column.owner] === owner ? known[said * width + column.row]! - 1 : -1),
		counted(said, owner, row) {
			known[said * width + column.owner] = owner;
			known[said * width + column.row] = row + 1;
		},
		forget() {
			known.fill(0);
		},
	};
}
