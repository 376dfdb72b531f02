// What is used of the package xxhashjs, which comes without types. Its h32 takes text or an ArrayBuffer; of other byte arrays it
// wants Node's Buffer, and makes one.

declare module "xxhashjs" {
  interface Unsigned32 {
    toNumber(): number;
  }

  const xxhash: {
    h32(input: string | ArrayBuffer, seed: number): Unsigned32;
  };
  export = xxhash;
}
