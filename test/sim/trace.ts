// What happened lately in a run, in words: the last lines before a failure tell how it came about. Nothing is written down, and
// hardly anything costs time, in runs that nobody asked a trace of.

export class Trace {
  private readonly linesMax: number;
  private lines: string[] = [];
  private dropped = 0;

  constructor(linesMax: number) {
    this.linesMax = linesMax;
  }

  note(atMilliseconds: number, what: string): void {
    this.lines.push(`${(atMilliseconds / 1000).toFixed(4).padStart(10)} s  ${what}`);
    if (this.lines.length < 2 * this.linesMax) return;
    this.dropped += this.lines.length - this.linesMax;
    this.lines = this.lines.slice(-this.linesMax);
  }

  last(count: number): string[] {
    const shown = this.lines.slice(-count);
    const before = this.dropped + this.lines.length - shown.length;
    return before > 0 ? [`    (${before} lines before)`, ...shown] : shown;
  }
}
