// Where the worker's script lies, for whoever puts a process together.

export const workerEntry = new URL("./main.js", import.meta.url);
