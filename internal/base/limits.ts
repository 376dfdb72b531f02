// Bounds that decide what the formats and the replicated commands accept. They are constants, not
// settings, because every replica must decide alike; settings below them live with their owner.

/** A user key has 1 to this many bytes. */
export const keyBytesMax = 1024;
/** The incarnation number that leads every engine key. */
export const incarnationBytes = 4;
/** Under an incarnation a group keeps its own records beside its users': a byte in front of a key says which. */
export const groupKeyBytesMax = 1 + keyBytesMax;
export const engineKeyBytesMax = incarnationBytes + groupKeyBytesMax;
/** What `--max-value-bytes` defaults to. */
export const valueBytesDefault = 1024 * 1024;
/** What `--max-value-bytes` may be at most. */
export const valueBytesMax = 8 * 1024 * 1024;
