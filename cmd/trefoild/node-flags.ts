/** How Node runs a node. Young objects live through a turn or two: with more room for them fewer are copied. */
export const nodeFlags: readonly string[] = ["--max-semi-space-size=32"];
