// Numbers of things, for people.

/** "1 byte", "2 bytes"; the plural is given where it is not made by an s. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
