/**
 * Vectors and tokens of 600,000 made-up codes by a trained network, text features included, to a folder. Wanted:
 * at most 10 minutes and 4 GB. The network is untrained, which costs the same. Run with
 * `npx tsx bench/medtok-infer.ts [codes] [codebook rows]`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Random } from "../core/random.ts";
import { writeArtefact } from "../tokenizers/artefact/write.ts";
import { trainMedTok } from "../tokenizers/medtok/train.ts";
import { infer } from "../tokenizers/pipeline/infer.ts";
import { type CodeSource, makeInputs } from "../tokenizers/pipeline/inputs.ts";
import { artefactContents } from "../tokenizers/pipeline/medtok-artefact.ts";
import { tokenizerRandom } from "../tokenizers/pipeline/random.ts";
import { settingsOf } from "../tokenizers/pipeline/settings.ts";

const WORDS = 8_000;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Codes that look like ICD-10-CM, with titles of four to twelve words. */
function madeUp(count: number): CodeSource {
  const random = Random.fromSeed(1).derive("infer");
  const syllables = [
    "car",
    "neo",
    "path",
    "itis",
    "ur",
    "gly",
    "os",
    "ten",
    "vas",
    "ra",
    "lum",
    "dor",
  ];
  const word = () =>
    Array.from(
      { length: 2 + random.below(2) },
      () => syllables[random.below(syllables.length)],
    ).join("");
  const words = Array.from({ length: WORDS }, word);
  const code = Array.from({ length: count }, (_, i) => {
    const category = Math.floor(i / 600);
    const letter = LETTERS[Math.floor(category / 40) % 26];
    const head = `${letter}${String(category % 40).padStart(2, "0")}`;
    return `ICD10CM/${head}.${String(i).padStart(6, "0")}`;
  }).sort();
  const title = () =>
    Array.from({ length: 4 + random.below(9) }, () => words[random.below(WORDS)]).join(" ");
  return {
    code,
    description: code.map(title),
    parents: code.map(() => []),
    knowledge: { titles: [], relations: [] },
  };
}

const count = Number(process.argv[2] ?? 600_000);
const codebookSize = Number(process.argv[3] ?? 12_288);
const root = mkdtempSync(join(tmpdir(), "medtok-infer-"));
let last = performance.now();
const start = last;
function lap(name: string): void {
  const now = performance.now();
  const { maxRSS } = process.resourceUsage();
  console.log(
    `${name.padEnd(22)} ${((now - last) / 1000).toFixed(1).padStart(7)} s   peak ${Math.round(maxRSS / 1024)} MiB`,
  );
  last = now;
}
try {
  const source = madeUp(count);
  lap("codes made up");
  const work = { report: () => {}, signal: new AbortController().signal };
  const random = tokenizerRandom(0);
  const made = await makeInputs(source, [], { cacheFolder: root, random, ...work });
  lap("text and graph");
  const { config } = settingsOf(
    { codebookSize, steps: 1, batch: 64, codebookInit: "normal" },
    count,
  );
  const options = { random, threads: 1, ...work };
  const trained = await trainMedTok(made.inputs, made.textEncoder, config, options);
  lap("one step of training");
  const inferred = await infer(trained, made.inputs, { threads: 1, ...work });
  lap("inference");
  const rest = { made, config, options: {}, seed: 0, split: null, mapped: [], threads: 1, ...work };
  await writeArtefact(join(root, "tokenizer"), artefactContents(rest, trained, inferred, null));
  lap("written");
  console.log(`in all ${((performance.now() - start) / 1000).toFixed(0)} s for ${count} codes`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
