// An answer as plain data: what the rules decide, before anybody writes it to a socket.

export interface Answer {
  readonly status: number;
  /** Name, value, name, value. Whoever sends it adds Content-Length, and Connection when it closes. */
  readonly headers: string[];
  /** Text goes as UTF-8. The bytes are lent until they are written. */
  readonly body: string | Uint8Array;
}

export function answerOf(status: number, contentType: string, body: string | Uint8Array): Answer {
  return { status, headers: ["Content-Type", contentType], body };
}
