/** What every text encoder shares: the table of distinct words, hashes, and a cache of features by content. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256, shortHash } from "../../../core/hash.ts";
import type { EncodeTextOptions, TextEncoder, TextEncoderState } from "../types.ts";

export interface WordTable {
  /** Distinct words, sorted. */
  readonly words: readonly string[];
  /** [texts + 1]. */
  readonly offset: Int32Array;
  /** Each text's distinct words in the order of their first appearance, `maxWords` at most. */
  readonly id: Int32Array;
}

export function wordTable(texts: readonly (readonly string[])[], maxWords: number): WordTable {
  const kept = texts.map((words) => [...new Set(words)].slice(0, maxWords));
  const words = [...new Set(kept.flat())].sort();
  const idOf = new Map(words.map((word, i) => [word, i]));
  const offset = new Int32Array(texts.length + 1);
  for (const [i, own] of kept.entries()) offset[i + 1] = (offset[i] as number) + own.length;
  const id = Int32Array.from(kept.flatMap((own) => own.map((word) => idOf.get(word) as number)));
  return { words, offset, id };
}

/** Identifies features by encoder, descriptions and number of words. */
export function featuresHash(
  state: Pick<TextEncoderState, "kind" | "hash">,
  descriptions: readonly string[],
  maxWords: number,
): string {
  return shortHash([state.kind, state.hash, maxWords, sha256(JSON.stringify(descriptions))]);
}

type Fitted = Awaited<ReturnType<TextEncoder["fit"]>>;

interface Head {
  readonly features: { readonly width: number; readonly hash: string };
  readonly state: Omit<TextEncoderState, "arrays">;
  readonly sizes: readonly (readonly [name: string, length: number])[];
}

/**
 * `encoder.fit`, or what it gave before for the same encoder, seed, descriptions and number of words, read
 * from `folder`. Files are written beside and renamed.
 */
export async function fitCached(
  encoder: TextEncoder,
  descriptions: readonly string[],
  options: EncodeTextOptions,
  folder: string,
): Promise<Fitted> {
  const content = sha256(JSON.stringify(descriptions));
  const key = shortHash([1, encoder.key, options.random.path, options.maxWords, content]);
  const file = join(folder, `text-${key}.bin`);
  const known = await read(file);
  if (known !== undefined) return known;
  const fitted = await encoder.fit(descriptions, options);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}.tmp`;
  await writeFile(beside, pack(fitted), { mode: 0o600 });
  await rename(beside, file);
  return fitted;
}

type Arrays = readonly (readonly [string, Float32Array | Int32Array])[];

function arraysOf({ features, state }: Fitted): Arrays {
  const { sentence, word, wordOffset, wordId } = features;
  const own = Object.entries({ sentence, word, wordOffset, wordId });
  return [...own, ...[...state.arrays].map(([name, x]) => [`state.${name}`, x] as const)];
}

function pack(fitted: Fitted): Buffer {
  const arrays = arraysOf(fitted);
  const { arrays: _, ...state } = fitted.state;
  const head: Head = {
    features: { width: fitted.features.width, hash: fitted.features.hash },
    state,
    sizes: arrays.map(([name, x]) => [name, x.length]),
  };
  const text = Buffer.from(JSON.stringify(head).padEnd(4, " "));
  const padding = Buffer.alloc((4 - (text.length % 4)) % 4, " ");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length + padding.length);
  const bodies = arrays.map(([, x]) => Buffer.from(x.buffer, x.byteOffset, x.byteLength));
  return Buffer.concat([length, text, padding, ...bodies]);
}

async function read(file: string): Promise<Fitted | undefined> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw cause;
  });
  if (bytes === undefined) return undefined;
  const length = bytes.readUInt32LE(0);
  const head = JSON.parse(bytes.toString("utf8", 4, 4 + length)) as Head;
  const { buffer } = new Uint8Array(bytes.subarray(4 + length)); // a copy, aligned
  const floats = new Map<string, Float32Array>();
  const integers = new Map<string, Int32Array>();
  let at = 0;
  for (const [name, size] of head.sizes) {
    if (name === "wordOffset" || name === "wordId")
      integers.set(name, new Int32Array(buffer, at, size));
    else floats.set(name, new Float32Array(buffer, at, size));
    at += 4 * size;
  }
  const arrays = [...floats].flatMap(([name, x]) =>
    name.startsWith("state.") ? [[name.slice("state.".length), x] as const] : [],
  );
  const none = new Float32Array(0);
  return {
    features: {
      ...head.features,
      sentence: floats.get("sentence") ?? none,
      word: floats.get("word") ?? none,
      wordOffset: integers.get("wordOffset") ?? Int32Array.of(0),
      wordId: integers.get("wordId") ?? new Int32Array(0),
    },
    state: { ...head.state, arrays: new Map(arrays) },
  };
}
