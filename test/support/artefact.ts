/** A small made-up tokenizer artefact: a few codes of several systems, tokens from a book of 12 rows. */
import { Random } from "../../core/random.ts";
import { type ArtefactContents, writeArtefact } from "../../tokenizers/artefact/write.ts";

export const CODES = [
  "ATC/A10",
  "ATC/A10BA02",
  "DRUG/insulin 0.5 ml",
  "ICD10CM/E11",
  "ICD10CM/E11.6",
  "ICD10CM/E11.9",
  "ICD10CM/I10",
  "ICD10PCS/02HV33Z",
  "ICD9CM/250.00",
  "ICD9CM/38.97",
  "ICD9Proc/38.97",
] as const;

export const MAPPED = [
  ["NDC/00338004904", "ATC/A10BA02"],
  ["NDC/00338004904", "ATC/A10"],
  ["ICD10CM/E10.9", "ICD9CM/250.00"],
  ["RXNORM/11", "GONE/1"],
] as const;

const PARTS = ["text-specific", "graph-specific", "text-shared", "graph-shared"];
const K = 2;
const N = 12;
const PART_WIDTH = 2;
const FIRST = [0, 8, 4, 4];

/** Contents with tokens of each part in its region, and embeddings that are their weighted sums. */
export function artefactContents(): ArtefactContents {
  const random = Random.fromSeed(3).derive("artefact");
  const n = CODES.length;
  const codebook = Float32Array.from({ length: N * PART_WIDTH }, () => random.normal());
  const ids = new Int32Array(n * PARTS.length * K);
  const weights = new Float32Array(ids.length);
  const width = PARTS.length * PART_WIDTH;
  const embeddings = new Float32Array(n * width);
  for (let place = 0; place < n * PARTS.length; place++) {
    const first = random.below(4);
    for (let k = 0; k < K; k++) {
      const at = place * K + k;
      ids[at] = (FIRST[place % PARTS.length] ?? 0) + ((first + k) % 4);
      weights[at] = k === 0 ? 0.75 : 0.25;
      for (let j = 0; j < PART_WIDTH; j++) {
        const to = place * PART_WIDTH + j;
        const row = codebook[(ids[at] ?? 0) * PART_WIDTH + j] ?? 0;
        embeddings[to] = (embeddings[to] ?? 0) + (weights[at] ?? 0) * row;
      }
    }
  }
  return {
    tokenizer: "medtok",
    version: 1,
    options: { steps: 10 },
    code: CODES,
    hasSystems: true,
    description: CODES.map((code) => `what ${code} means`),
    embeddings,
    width,
    tokens: {
      ids,
      weights,
      codebook,
      parts: PARTS,
      per_part: K,
      codebook_size: N,
      regions: { text: [0, 4], shared: [4, 8], graph: [8, 12] },
    },
    inputs: { codes: "made-up" },
    split: null,
    mapped: MAPPED,
    graph: [
      { from: "ICD10CM/E11.9", relation: "is_a", to: "ICD10CM/E11", origin: "prefix" },
      { from: "ICD10CM/E11.6", relation: "is_a", to: "ICD10CM/E11", origin: "prefix" },
    ],
    report: { codes: n },
  };
}

/** Writes it, or one that differs from it, into a folder. */
export async function writeMadeUp(
  folder: string,
  changes: Partial<ArtefactContents> = {},
): Promise<string> {
  await writeArtefact(folder, { ...artefactContents(), ...changes });
  return folder;
}
