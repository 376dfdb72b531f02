// Every replica of a simulated group keeps the rules. So a message that one refuses as impossible shows that somebody broke
// them, and the simulator hears of it.

import type { Logger } from "../../internal/platform/logger.ts";
import { Violation } from "./violation.ts";

export function honestLogger(inner: Logger, onRefused: (refused: Violation) => void): Logger {
  return {
    ...inner,
    warn: (text, fields) => {
      inner.warn(text, fields);
      if (text === "a message was refused") onRefused(new Violation("messages are taken", JSON.stringify(fields)));
    },
  };
}
