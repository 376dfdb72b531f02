// `trefoil del`: nothing is under the key any more.

import { consistencyOf } from "../../../internal/http/parameters.ts";
import { exitCodes } from "../failure.ts";
import { keyOf, keyPath } from "./key.ts";
import { printReport } from "./report.ts";
import { inSession } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { conditionHeaders } from "./write-headers.ts";
import type { WriteOptions } from "./write-headers.ts";
import { writtenReport } from "./written.ts";

export interface DelOptions extends SessionOptions, WriteOptions {
  readonly key64?: boolean;
  readonly consistency?: string;
}

export function del(keyText: string, options: DelOptions): Promise<number> {
  return inSession(options, async ({ client, form, screen }) => {
    const key = keyOf(keyText, options.key64 === true);
    const { consistency } = options;
    consistencyOf(consistency);
    const answer = await client.ask({
      method: "DELETE",
      path: keyPath(key),
      query: { consistency },
      headers: conditionHeaders(options),
      mayRepeat: options.idempotencyKey !== undefined,
    });
    await printReport(screen, form ?? "table", writtenReport(answer));
    return exitCodes.ok;
  });
}
