/** Reads an artefact folder: small files at once, large arrays by rows when they are asked for. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { type ArtefactConfig, badArtefact, FILES, HAS_NODE, readConfig } from "./config.ts";
import { NpyFile } from "./npy.ts";
import type { GraphLine } from "./write.ts";

/** The lines of a tab-separated file without its head. */
function readLines(path: string, head: string): string[] {
  const text = readFileSync(path, "utf8");
  const all = text.split("\n");
  if (all.pop() !== "" || all.shift() !== head)
    throw badArtefact(path, `it does not begin with "${head}" and end with a line`);
  return all;
}

/** Bytes that are searched at once. */
const BLOCK = 1 << 22;

/** Lines of graph.tsv that hold one of some texts and are wanted, read in blocks of whole lines. */
function matchingLines(
  path: string,
  texts: readonly string[],
  isWanted: (line: GraphLine) => boolean,
): GraphLine[] {
  const file = openSync(path, "r");
  const found: GraphLine[] = [];
  const take = (text: string) => {
    if (!texts.some((one) => text.includes(one))) return;
    for (const line of text.split("\n")) {
      const [from = "", relation = "", to = "", origin = ""] = line.split("\t");
      const edge = { from, relation, to, origin };
      if (isWanted(edge)) found.push(edge);
    }
  };
  try {
    const bytes = Buffer.alloc(BLOCK);
    let kept = 0;
    for (;;) {
      const got = readSync(file, bytes, kept, BLOCK - kept, null);
      const end = got === 0 ? kept : bytes.lastIndexOf("\n", kept + got - 1) + 1;
      if (end > 0) take(bytes.toString("utf8", 0, end));
      if (got === 0) return found;
      bytes.copy(bytes, 0, end, kept + got);
      kept += got - end;
      if (kept === BLOCK) throw badArtefact(path, "a line is too long");
    }
  } finally {
    closeSync(file);
  }
}

/** An artefact open for reading. Close it when done. */
export class Artefact {
  readonly folder: string;
  readonly config: ArtefactConfig;
  /** Hash of config.json, and so of everything in the folder. */
  readonly hash: string;
  /** [codes], in row order. */
  readonly code: readonly string[];
  readonly embeddings: NpyFile;
  readonly #open: NpyFile[] = [];

  /** @throws BenchError when a file is missing, has another size, or does not fit the others. */
  constructor(folder: string) {
    const { config, hash } = readConfig(folder);
    this.folder = folder;
    this.config = config;
    this.hash = hash;
    this.code = readLines(join(folder, FILES.codes), "code");
    if (this.code.length !== config.codes)
      throw badArtefact(
        join(folder, FILES.codes),
        `${this.code.length} codes, config.json says ${config.codes}`,
      );
    this.embeddings = this.#array(FILES.embeddings, [config.codes, config.width]);
  }

  /** [width]: what unknown codes get. */
  get unknown(): Float32Array {
    const file = this.#array(FILES.unknown, [this.config.width]);
    return file.floats(0, this.config.width);
  }

  /** Token ids and weights, [codes × parts × K] each, or null where there are none; id -1 in parts left out. */
  tokens(): { readonly ids: Int32Array; readonly weights: Float32Array } | null {
    const { tokens, codes } = this.config;
    if (tokens === null) return null;
    const shape = [codes, tokens.parts.length, tokens.per_part];
    const ids = this.#array(FILES.tokens, shape).integers(0, codes);
    for (const id of ids)
      if (id < -1 || id >= tokens.codebook_size)
        throw badArtefact(join(this.folder, FILES.tokens), `token ${id} is not in the codebook`);
    return { ids, weights: this.#array(FILES.weights, shape).floats(0, codes) };
  }

  /** The codebook [N × width] or null where it is not known. */
  codebook(): { readonly values: Float32Array; readonly width: number } | null {
    const { tokens, width, files } = this.config;
    if (tokens === null || files[FILES.codebook] === undefined) return null;
    const part = width / tokens.parts.length;
    const file = this.#array(FILES.codebook, [tokens.codebook_size, part]);
    return { values: file.floats(0, tokens.codebook_size), width: part };
  }

  /** [codes], empty texts where nothing is known. */
  descriptions(): string[] {
    return readLines(join(this.folder, FILES.descriptions), "description");
  }

  /** Codes of other systems and the rows that stand for them. */
  mapped(): (readonly [from: string, to: string])[] {
    return readLines(join(this.folder, FILES.mapped), "from\tto").map((line) => {
      const [from = "", to = ""] = line.split("\t");
      return [from, to] as const;
    });
  }

  /**
   * Edges of the knowledge graph that touch a node; for a code of a published graph also those between its
   * nodes. The file may be larger than a string can be, and is read in blocks.
   */
  neighbourhood(node: string): GraphLine[] {
    const path = join(this.folder, FILES.graph);
    const own = matchingLines(path, [node], ({ from, to }) => from === node || to === node);
    const nodes = new Set(own.filter((e) => e.relation === HAS_NODE).map((e) => e.to));
    if (nodes.size === 0) return own;
    const isInside = ({ from, to }: GraphLine) => nodes.has(from) && nodes.has(to);
    return [...own, ...matchingLines(path, [...nodes], isInside)];
  }

  report(): unknown {
    return JSON.parse(readFileSync(join(this.folder, FILES.report), "utf8"));
  }

  /** Reads every file and compares hashes. @throws BenchError for the first one that was changed. */
  async verify(): Promise<void> {
    for (const [name, { sha256 }] of Object.entries(this.config.files)) {
      const path = join(this.folder, name);
      const hash = createHash("sha256");
      for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }))
        hash.update(piece as Buffer);
      if (hash.digest("hex") !== sha256)
        throw badArtefact(path, "its content is not what was written");
    }
  }

  close(): void {
    for (const file of this.#open.splice(0)) file.close();
  }

  #array(name: string, shape: readonly number[]): NpyFile {
    const file = NpyFile.open(join(this.folder, name));
    const { shape: found } = file.header;
    if (found.length !== shape.length || found.some((n, i) => n !== shape[i])) {
      file.close();
      throw badArtefact(file.path, `shape ${found.join(" × ")}, ${shape.join(" × ")} wanted`);
    }
    this.#open.push(file);
    return file;
  }
}
