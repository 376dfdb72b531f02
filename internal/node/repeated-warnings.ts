// What replicas warn of, a line for each group, cause and peer in a while, whatever comes in between:
//
//   first of a cause     at once
//   its repeats          counted; after the while one line, with the newest fields and `repeated`, if there were any
//
// While a node comes back with an empty folder, or of another version, each message of its groups may be refused: thousands of lines a
// second would hide all others, and fill the disk. Numbers within texts (entries, terms, stamps) make no other cause.

import type { GroupId } from "../base/ids.ts";
import type { Scheduler, Timer } from "../platform/clock.ts";
import type { Logger, LogFields } from "../platform/logger.ts";

const whileMilliseconds = 10_000;
/** Beyond so many causes at a time those that are new count as one for each message. */
const causesMax = 256;

interface Cause {
  readonly message: string;
  fields: LogFields | undefined;
  repeated: number;
  readonly timer: Timer;
}

export class RepeatedWarnings implements Logger {
  private readonly logger: Logger;
  private readonly scheduler: Scheduler;
  private readonly causes = new Map<string, Cause>();
  private isClosed = false;

  constructor({ logger, scheduler }: { readonly logger: Logger; readonly scheduler: Scheduler }) {
    this.logger = logger;
    this.scheduler = scheduler;
  }

  /** For the replicas of a group: their lines name it, and each group has its own causes. */
  of(group: GroupId): Logger {
    return {
      info: (message, fields) => this.info(message, { group, ...fields }),
      warn: (message, fields) => this.warn(message, { group, ...fields }),
      error: (message, fields) => this.error(message, { group, ...fields }),
    };
  }

  info(message: string, fields?: LogFields): void {
    this.logger.info(message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.logger.error(message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.isClosed) {
      this.logger.warn(message, fields);
      return;
    }
    const full = causeOf(message, fields);
    const name = this.causes.has(full) || this.causes.size < causesMax ? full : message;
    const cause = this.causes.get(name);
    if (cause === undefined) {
      this.logger.warn(message, fields);
      this.begin(name, message);
    } else {
      cause.repeated++;
      cause.fields = fields;
    }
  }

  /** What was counted is told; nothing is put off any more. */
  close(): void {
    this.isClosed = true;
    for (const cause of this.causes.values()) {
      cause.timer.cancel();
      this.tell(cause);
    }
    this.causes.clear();
  }

  private begin(name: string, message: string): void {
    const timer = this.scheduler.after(whileMilliseconds, () => this.end(name), true);
    this.causes.set(name, { message, fields: undefined, repeated: 0, timer });
  }

  private end(name: string): void {
    const cause = this.causes.get(name);
    this.causes.delete(name);
    // It goes on, so its next while begins with this line.
    if (cause !== undefined && this.tell(cause)) this.begin(name, cause.message);
  }

  private tell({ message, fields, repeated }: Cause): boolean {
    if (repeated > 0) this.logger.warn(message, { ...fields, repeated });
    return repeated > 0;
  }
}

function causeOf(message: string, fields: LogFields = {}): string {
  const parts = Object.entries(fields).map(([name, value]) =>
    typeof value === "string" ? `${name}=${value.replaceAll(/\d+/g, "#")}` : `${name}=${value}`,
  );
  return [message, ...parts].join("\n");
}
