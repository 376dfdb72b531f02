// What is durable once a Ready is: the term, and the log up to an entry. Readys are handed out one after the other and become
// durable in their order, several of them being on their way to the disk.
//
//   handed out:  1 {term 3, last 12}   2 {term 3, last 15}   4 {term 5, last 15}      Ready 3 had nothing for the disk
//
// A disk that hangs for long is no reason to fill the memory: a Ready with nothing to persist claims nothing new, and beyond a
// bound the newest claim takes the place of the one before it. Then that one's part counts only when the newest is
// durable, which is late and never wrong.

import { logIndex } from "../base/ids.ts";
import type { LogIndex, Term } from "../base/ids.ts";

export interface Claim {
  /** Of the Ready. */
  readonly number: number;
  readonly term: Term;
  readonly last: LogIndex;
  readonly lastTerm: Term;
}

const claimsMax = 1024;

export class HandedOut {
  private claims: Claim[] = [];

  get count(): number {
    return this.claims.length;
  }

  add(claim: Claim): void {
    if (this.claims.length >= claimsMax) this.claims.pop();
    this.claims.push(claim);
  }

  /** What is truncated now is not durable when an earlier Ready is, though the same entry may come back. */
  truncatedFrom(index: LogIndex): void {
    this.claims = this.claims.map((claim) => (claim.last < index ? claim : { ...claim, last: logIndex(0) }));
  }

  /** Ready `number` and all before it are durable: what they claimed, oldest first. */
  take(number: number): readonly Claim[] {
    let count = 0;
    while (count < this.claims.length && (this.claims[count] as Claim).number <= number) count++;
    return this.claims.splice(0, count);
  }
}
