// Snapshots on their way, as far as messages show them. A chunk holds what was applied up to its snapshot's entry, all of it
// between the key that it follows and its last one; who sends it has kept the log behind that entry (rule 23); and who
// receives asks for one chunk behind the other, leaving none out and taking none twice.

import { ByteReader } from "../../internal/base/codec.ts";
import { decodeCell } from "../../internal/engine/cell.ts";
import type { DecodedCell } from "../../internal/engine/cell.ts";
import { keyName } from "../../internal/replica/decide.ts";
import type { ChunkMessage, ChunkRequest, ReplicaMessage } from "../../internal/replica/messages.ts";
import { faultOfRecord } from "./content-faults.ts";
import type { Horizon } from "./content-faults.ts";
import type { Reference } from "./reference.ts";
import type { SimNode } from "./sim-node.ts";
import { simGroup } from "./sim-node.ts";
import { expectThat, Violation } from "./violation.ts";

const order = "chunks of a snapshot follow each other";

export class SnapshotWatch {
  private readonly reference: Reference;
  private readonly horizonOf: (node: SimNode) => Horizon;
  /** By snapshot and key that was asked behind: where chunks that were sent have ended. */
  private readonly ends = new Map<string, Set<string>>();
  /** By receiver: what it asked for last. */
  private readonly asked = new Map<number, { readonly snapshot: string; readonly after: string }>();

  constructor(reference: Reference, horizonOf: (node: SimNode) => Horizon) {
    this.reference = reference;
    this.horizonOf = horizonOf;
  }

  /** A message is about to leave a node. Throws a Violation. */
  sent(node: SimNode, message: ReplicaMessage): void {
    if (message.type === "chunk_request") this.requested(message);
    else if (message.type === "chunk") this.answered(node, message);
  }

  private requested({ from, index, term, after }: ChunkRequest): void {
    const now = { snapshot: `${term}.${index}`, after: keyName(after) };
    const before = this.asked.get(from);
    this.asked.set(from, now);
    if (now.after === "" || before === undefined || (before.snapshot === now.snapshot && before.after === now.after)) {
      return;
    }
    const ends = this.ends.get(`${now.snapshot} ${before.after}`);
    const follows = before.snapshot === now.snapshot && ends?.has(now.after) === true;
    expectThat(follows, order, () => {
      return `replica ${from} wants what follows ${JSON.stringify(now.after)} after what follows ${JSON.stringify(before.after)}`;
    });
  }

  private answered(node: SimNode, message: ChunkMessage): void {
    const { index, term, isLast } = message;
    const after = keyName(message.after);
    const found = recordsOf(message.bytes);
    const last = [...found.keys()].at(-1) ?? after;
    const name = `${term}.${index} ${after}`;
    this.ends.set(name, (this.ends.get(name) ?? new Set<string>()).add(last));
    const first = node.log?.group(simGroup).firstIndex ?? 0;
    expectThat(first <= index + 1, "the log behind a snapshot is kept", () => {
      return `node ${node.id} sends one of entry ${index}, and its log begins with ${first}`;
    });
    // Asked for each chunk: what is garbage here never comes to whoever takes it in, and that is remembered for then.
    const horizon = this.horizonOf(node);
    if (this.reference.index < index) return;
    const names = new Set(found.keys());
    for (const key of this.reference.names) if (key > after && (isLast || key <= last)) names.add(key);
    for (const key of names) {
      const fault = faultOfRecord(key, { wanted: this.reference.at(key, index), found: found.get(key), horizon });
      if (fault !== undefined) {
        throw new Violation("snapshots hold what was applied", `of node ${node.id}, of entry ${index}: ${fault}`);
      }
    }
  }
}

function recordsOf(bytes: Uint8Array): Map<string, DecodedCell | undefined> {
  const reader = new ByteReader(bytes, "a chunk of a snapshot");
  const found = new Map<string, DecodedCell | undefined>();
  while (reader.remaining > 0) {
    const key = keyName(reader.block());
    const cell = reader.block().slice();
    found.set(key, decodeCell(cell, 0, cell.length));
  }
  return found;
}
