// A number for all that a run did, in its order: two runs that differ in anything that is added have, but for one case in four
// thousand million, two.

const textLengthHashed = 256;

export class Digest {
  private present = 0;

  get value(): number {
    return this.present >>> 0;
  }

  /** Of a whole number its last 32 bits. */
  add(number: number): this {
    this.present = (Math.imul(this.present, 31) + (number | 0)) | 0;
    this.present ^= this.present >>> 15;
    return this;
  }

  /** To a hundredth of a millisecond. */
  addTime(milliseconds: number): this {
    return this.add(Number.isFinite(milliseconds) ? Math.floor(milliseconds * 100) : -1);
  }

  /** Its length, and its first characters. */
  addText(text: string): this {
    this.add(text.length);
    for (let at = 0; at < text.length && at < textLengthHashed; at++) this.add(text.charCodeAt(at));
    return this;
  }
}
