// Figures as the rounds bring them in, kept by name and side until the rows are made.

import { figure, rowOf, type Row, type Target } from "./row.ts";

export type SideName = "trefoil" | "peer";

export interface RowSpec {
  readonly name: string;
  readonly work: string;
  readonly unit: string;
  readonly target?: Target;
  readonly note?: string;
}

export class FigureTable {
  private readonly figures = new Map<string, number[]>();
  private readonly notes = new Map<string, string>();

  add(name: string, side: SideName, value: number): void {
    const key = `${side} ${name}`;
    const list = this.figures.get(key) ?? [];
    list.push(value);
    this.figures.set(key, list);
    console.log(`    ${side.padEnd(8)} ${name.padEnd(28)} ${figure(value)}`);
  }

  note(name: string, text: string): void {
    this.notes.set(name, text);
  }

  row(spec: RowSpec): Row {
    const note = [spec.note, this.notes.get(spec.name)].filter((part) => part !== undefined).join("; ");
    return rowOf({
      work: spec.work,
      unit: spec.unit,
      trefoil: this.figures.get(`trefoil ${spec.name}`) ?? [],
      peer: this.figures.get(`peer ${spec.name}`) ?? [],
      ...(spec.target === undefined ? {} : { target: spec.target }),
      note,
    });
  }

  has(name: string): boolean {
    return this.figures.has(`trefoil ${name}`) || this.figures.has(`peer ${name}`);
  }
}
