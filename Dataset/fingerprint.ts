/** What identifies a store: the raw files, the loader that reads them, and its options. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { shortHash } from "../core/hash.ts";

const BLOCK = 1 << 16;
const BLOCKS = 32;

/** A file whose content counts. */
export interface FingerprintedFile {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
  /** Decides nothing that a record is named after; counts for the cache folder only. */
  readonly aside?: boolean;
}

/** Two hashes over the same things, for two purposes. */
export interface Fingerprint {
  /** The same for equal files wherever and whenever they were copied; goes into result records. */
  readonly content: string;
  /** Also covers modification times, so that an edit which the samples miss is still seen; names the cache folder. */
  readonly cacheKey: string;
}

/** SHA-256 over a file's size and evenly spread blocks, first and last included; small files whole. */
export function sampledHash(path: string): string {
  const hash = createHash("sha256");
  const handle = openSync(path, "r");
  try {
    const { size } = fstatSync(handle);
    hash.update(`${size}\n`);
    const count = Math.min(BLOCKS, Math.ceil(size / BLOCK));
    const stride = count > 1 ? (size - BLOCK) / (count - 1) : 0;
    for (let i = 0; i < count; i++) hashBlock(hash, handle, Math.floor(i * stride));
  } finally {
    closeSync(handle);
  }
  return hash.digest("hex");
}

function hashBlock(hash: Hash, handle: number, position: number): void {
  const block = Buffer.alloc(BLOCK);
  hash.update(block.subarray(0, readSync(handle, block, 0, BLOCK, position)));
}

/** Fingerprint of files and of everything else that could change an event. */
export function fingerprint(files: readonly FingerprintedFile[], options: unknown): Fingerprint {
  const hashed = files.map((file) => ({ file, hash: sampledHash(file.path) }));
  const contentsOf = (chosen: typeof hashed) =>
    chosen.map(({ file: { name }, hash }) => ({ name, hash }));
  const times = files.map(({ name, modifiedMs }) => ({ name, modifiedMs }));
  return {
    content: shortHash({ contents: contentsOf(hashed.filter(({ file }) => !file.aside)), options }),
    cacheKey: shortHash({ contents: contentsOf(hashed), options, times }),
  };
}
