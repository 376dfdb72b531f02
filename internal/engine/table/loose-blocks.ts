// Blocks that the cache has no frame for: larger than a frame (one huge entry), or read while every frame was
// pinned. The last few are kept, bounded in bytes and in count, so that a block which was loaded is there when it
// is asked for right after.

export interface LooseBlock {
  readonly file: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const blocksMax = 64;

export class LooseBlocks {
  /** The one used last stands last. */
  private blocks: LooseBlock[] = [];
  private bytes = 0;
  private readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytesHeld(): number {
    return this.bytes;
  }

  get isEmpty(): boolean {
    return this.blocks.length === 0;
  }

  find(file: number, offset: number): Uint8Array | undefined {
    for (let at = this.blocks.length - 1; at >= 0; at--) {
      const block = this.blocks[at] as LooseBlock;
      if (block.file !== file || block.offset !== offset) continue;
      if (at !== this.blocks.length - 1) {
        this.blocks.splice(at, 1);
        this.blocks.push(block);
      }
      return block.bytes;
    }
    return undefined;
  }

  /** Takes the bytes over. The newest block stays even when it is larger than the bound. */
  add(block: LooseBlock): void {
    if (this.find(block.file, block.offset) !== undefined) return;
    this.blocks.push(block);
    this.bytes += block.bytes.length;
    while (this.blocks.length > 1 && (this.bytes > this.bytesMax || this.blocks.length > blocksMax)) {
      const oldest = this.blocks.shift();
      this.bytes -= oldest?.bytes.length ?? 0;
    }
  }

  purge(file: number): void {
    this.blocks = this.blocks.filter((block) => block.file !== file);
    this.bytes = this.blocks.reduce((sum, block) => sum + block.bytes.length, 0);
  }
}
