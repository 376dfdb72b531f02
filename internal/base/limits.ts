// Bounds that decide what the formats and the replicated commands accept. They are constants, not
// settings, because every replica must decide alike; settings below them live with their owner.

/** A user key has 1 to this many bytes. */
export const keyBytesMax = 1024;
/** The incarnation number that leads every engine key. */
export const incarnationBytes = 4;
/** Under an incarnation a group keeps its own records beside its users': a byte in front of a key says which. */
export const groupKeyBytesMax = 1 + keyBytesMax;
export const engineKeyBytesMax = incarnationBytes + groupKeyBytesMax;
/** A time to live is from 1 ms to this: 100 years, of which some are leap years. */
export const ttlMillisecondsMax = 36_525 * 24 * 3600 * 1000;
/** The same, for whoever is refused. */
export const ttlBounds = "from 1 ms to 100 years (36525 days)";
/** What `--max-value-bytes` defaults to. */
export const valueBytesDefault = 1024 * 1024;
/** What `--max-value-bytes` may be at most. */
export const valueBytesMax = 8 * 1024 * 1024;
