// Hashing is a port: `base` has no Node API, so whoever wires the engine passes a SHA-256 in.

/** SHA-256 (FIPS 180-4) of all the bytes; 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array<ArrayBuffer>;
