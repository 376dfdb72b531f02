// For how long a replica has been behind: a leader's last index is noted now and then, with the time. Whoever lacks an entry is as late
// as the oldest note above what it has, to the length of the pauses between notes.
//
//   notes    (1.00 s, 40) (1.25 s, 40) (1.50 s, 57) (1.75 s, 90)
//   match 57, last 93, at 1.90 s: behind since 1.75 s, for 0.15 s

interface Note {
  readonly at: number;
  readonly last: number;
}

/** Two minutes of four notes a second; whoever is behind for longer is told to be behind for so long. */
const notesMax = 480;

export class ReplicationLag {
  private readonly notes = new Map<number, Note[]>();

  /** `now` in milliseconds that only grow. */
  note(group: number, last: number, now: number): void {
    const notes = this.notes.get(group) ?? [];
    this.notes.set(group, notes);
    // Of notes with one index the oldest counts.
    if (notes.at(-1)?.last === last) return;
    notes.push({ at: now, last });
    if (notes.length > notesMax) notes.shift();
  }

  /** The group is not led here, or by a newer term. */
  forget(group: number): void {
    this.notes.delete(group);
  }

  /** Of a replica that has the leader's log up to `match`. */
  seconds(group: number, match: number, now: number): number {
    const since = this.notes.get(group)?.find(({ last }) => last > match);
    return since === undefined ? 0 : Math.max(0, now - since.at) / 1000;
  }
}
