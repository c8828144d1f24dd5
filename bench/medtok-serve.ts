/**
 * How fast a trained tokenizer answers: 600,000 made-up codes of five systems, 256 numbers and 20 tokens each.
 * Wanted: ready in under 3 s, one `embed` in under 50 microseconds, more than 500,000 codes a second in a
 * batch. Run with `npx tsx bench/medtok-serve.ts [codes]`; the folder is made once below the system's
 * temporary folder (about 750 MB) and removed at the end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Random } from "../core/random.ts";
import { thirds } from "../tokenizers/artefact/published.ts";
import { type ArtefactContents, writeArtefact } from "../tokenizers/artefact/write.ts";
import { MedTok } from "../tokenizers/public.ts";

const WIDTH = 256;
const PARTS = ["text-specific", "graph-specific", "text-shared", "graph-shared"];
const K = 5;
const N = 12_288;

function madeUp(count: number): ArtefactContents {
  const random = Random.fromSeed(1).derive("serve");
  const systems = ["ICD10CM/A", "ICD10PCS/0", "SNOMED/", "RxNorm/", "NDC/"];
  const code = Array.from(
    { length: count },
    (_, i) => `${systems[i % systems.length]}${String(i).padStart(6, "0")}.${i % 97}`,
  ).sort();
  const embeddings = new Float32Array(count * WIDTH);
  for (let i = 0; i < embeddings.length; i++) embeddings[i] = (i % 1013) / 1013;
  const ids = Int32Array.from({ length: count * PARTS.length * K }, () => random.below(N));
  return {
    tokenizer: "made-up",
    version: 1,
    options: {},
    code,
    hasSystems: true,
    description: code.map((text) => `the description of ${text}`),
    embeddings,
    width: WIDTH,
    tokens: {
      ids,
      weights: new Float32Array(ids.length).fill(1 / K),
      codebook: new Float32Array(N * (WIDTH / PARTS.length)),
      parts: PARTS,
      per_part: K,
      codebook_size: N,
      regions: thirds(N),
    },
    inputs: {},
    split: null,
    mapped: [],
    graph: [],
    report: {},
  };
}

/** Median and 99th percentile in microseconds of single calls. */
function single(codes: readonly string[], call: (code: string) => unknown): string {
  const times = new Float64Array(codes.length);
  for (const [i, code] of codes.entries()) {
    const start = performance.now();
    call(code);
    times[i] = 1000 * (performance.now() - start);
  }
  times.sort();
  const at = (share: number) => (times[Math.floor(share * times.length)] as number).toFixed(2);
  return `median ${at(0.5)} µs, 99 % below ${at(0.99)} µs`;
}

function batch(name: string, tokenizer: MedTok, codes: readonly string[]): void {
  const begin = performance.now();
  const before = process.cpuUsage();
  tokenizer.encodeBatch(codes);
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(before);
  const rate = (per: number) => Math.round(codes.length / per).toLocaleString();
  console.log(
    `${name.padEnd(12)} ${rate(seconds)} codes/s, ${rate((user + system) / 1e6)} a second of processor time`,
  );
}

async function measure(folder: string, count: number): Promise<void> {
  const start = performance.now();
  const before = process.cpuUsage();
  const tokenizer = await MedTok.fromPretrained(folder, { unknown: "quiet" });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  console.log(
    `ready        ${seconds.toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s of processor time, for ${count} codes`,
  );
  const random = Random.fromSeed(2).derive("queries");
  const draw = (n: number) =>
    Array.from({ length: n }, () => tokenizer.codes[random.below(count)] as string);
  const few = draw(20_000);
  console.log(`embed        ${single(few, (code) => tokenizer.embed(code))}`);
  console.log(`encode       ${single(few, (code) => tokenizer.encode(code))}`);
  const messy = few.map((code) => code.toLowerCase().replaceAll(".", ""));
  console.log(`normalised   ${single(messy, (code) => tokenizer.embed(code))}`);
  const many = draw(1_000_000);
  batch("batch", tokenizer, many);
  // Strings that were not seen before, as from a file: their hashes are not known yet.
  const fresh = () => many.map((code) => Buffer.from(code).toString());
  for (let round = 0; round < 2; round++) batch("batch, read", tokenizer, fresh());
  batch(
    "batch, messy",
    tokenizer,
    many.map((code) => code.toLowerCase().replaceAll(".", "")),
  );
  console.log(`memory       ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`);
  tokenizer.close();
}

const count = Number(process.argv[2] ?? 600_000);
const root = mkdtempSync(join(tmpdir(), "medtok-serve-"));
try {
  const folder = join(root, "tokenizer");
  await writeArtefact(folder, madeUp(count));
  await measure(folder, count);
} finally {
  rmSync(root, { recursive: true, force: true });
}
