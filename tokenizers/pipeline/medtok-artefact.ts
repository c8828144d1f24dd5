/** Trains MedTok on a table of codes and keeps the result as an artefact folder. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { shortHash } from "../../core/hash.ts";
import type { Hyperparameters } from "../../core/hyperparameters.ts";
import type { Checkpoints } from "../../core/model.ts";
import { Artefact } from "../artefact/open.ts";
import { type ArtefactContents, writeArtefact } from "../artefact/write.ts";
import { PARTS, regions } from "../medtok/codebook.ts";
import type { MedTokConfig } from "../medtok/config.ts";
import { trainMedTok } from "../medtok/train.ts";
import type { Report, TrainedMedTok } from "../medtok/types.ts";
import { graphLines } from "./graph-lines.ts";
import { type Inferred, infer, unitCodebook } from "./infer.ts";
import type { MadeInputs } from "./inputs.ts";
import { qualityReport } from "./quality-report.ts";
import { tokenizerRandom } from "./random.ts";

/** Raised when the same inputs could give another artefact. */
export const MEDTOK_VERSION = 3;

export interface TrainOptions {
  readonly made: MadeInputs;
  readonly config: MedTokConfig;
  readonly options: Hyperparameters;
  readonly seed: number;
  /** What the co-occurrences were counted on, or null. */
  readonly split: string | null;
  /** Codes of other systems and the codes that stand for them, best first. */
  readonly mapped: readonly (readonly [from: string, to: string])[];
  readonly threads: number;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Whether the report also measures a random codebook; default false. */
  readonly compareRandom?: boolean;
}

/** Identifies a training: the same key gives the same artefact. */
export function trainingKey({ made, config, seed, split, mapped }: TrainOptions): string {
  const { inputs, graph } = made;
  return shortHash({
    version: MEDTOK_VERSION,
    config,
    seed,
    split,
    mapped,
    codes: inputs.codes,
    text: inputs.text.hash,
    graph: graph.hash,
    subgraphs: inputs.subgraphs.hash,
  });
}

/** Checkpoints in a folder of their own, removed when the artefact is written. */
function checkpointsIn(folder: string): Checkpoints {
  const path = (key: string) => join(folder, `${key}.checkpoint`);
  return {
    load: async (key) => {
      const bytes = await readFile(path(key)).catch(() => undefined);
      return bytes === undefined ? undefined : new Uint8Array(bytes);
    },
    save: async (key, bytes) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(`${path(key)}.tmp`, bytes, { mode: 0o600 });
      await rename(`${path(key)}.tmp`, path(key));
    },
  };
}

/** All that is known of a training, ready to be written. */
export function artefactContents(
  options: TrainOptions,
  trained: TrainedMedTok,
  made: Inferred,
  quality: unknown,
): ArtefactContents {
  const { inputs, graph } = options.made;
  const { config, parameters, shapes } = trained;
  const { text, shared, graph: last } = regions(config.codebookSize);
  const model = [...parameters].map(
    ([name, values]) => [name, { values, shape: shapes.get(name) ?? [values.length] }] as const,
  );
  return {
    tokenizer: "medtok",
    version: MEDTOK_VERSION,
    options: { ...options.options, ...(config as unknown as Hyperparameters), seed: options.seed },
    code: inputs.codes.code,
    hasSystems: inputs.codes.code.some((code) => code.includes("/")),
    description: inputs.codes.description,
    embeddings: made.embeddings,
    width: made.width,
    tokens: {
      ids: made.ids,
      weights: made.weights,
      codebook: unitCodebook(parameters.get("codebook") as Float32Array, config.width),
      parts: [...PARTS],
      per_part: config.perPart,
      codebook_size: config.codebookSize,
      regions: {
        text: [text.from, text.to],
        shared: [shared.from, shared.to],
        graph: [last.from, last.to],
      },
    },
    model: new Map(model),
    textEncoder: trained.textEncoder,
    inputs: { ...trained.hashes, knowledge_graph: graph.hash },
    split: options.split,
    mapped: options.mapped,
    graph: graphLines(graph, inputs.codes, inputs.subgraphs),
    report: { quality, steps: trained.steps, stopped_by: trained.stoppedBy, log: trained.log },
  };
}

/** Trains and writes the artefact. `folder` must not exist. Resumes from the checkpoints beside it. */
export async function trainArtefact(folder: string, options: TrainOptions): Promise<void> {
  const { made, config, threads, report, signal } = options;
  const partial = `${folder}.partial-${trainingKey(options)}`;
  const trained = await trainMedTok(made.inputs, made.textEncoder, config, {
    random: tokenizerRandom(options.seed),
    threads,
    report,
    signal,
    checkpoints: checkpointsIn(partial),
  });
  const work = { threads, report, signal };
  const inferred = await infer(trained, made.inputs, work);
  const { seed, compareRandom = false } = options;
  const quality = await qualityReport(made, trained, inferred, { ...work, seed, compareRandom });
  await writeArtefact(folder, artefactContents(options, trained, inferred, quality));
  await rm(partial, { recursive: true, force: true });
}

/** The artefact in a folder of a cache, made by `write` at the first request. */
export async function cachedFolder(
  folder: string,
  write: (folder: string) => Promise<void>,
): Promise<Artefact> {
  const isThere = () => existsSync(join(folder, "config.json"));
  if (!isThere()) {
    try {
      await write(folder);
    } catch (error) {
      // Another process may have written the same artefact meanwhile.
      if (!isThere()) throw error;
    }
  }
  return new Artefact(folder);
}

/** The artefact of a training from a cache, trained at the first request. */
export function cachedArtefact(cacheFolder: string, options: TrainOptions): Promise<Artefact> {
  const folder = join(cacheFolder, `medtok-${trainingKey(options)}`);
  return cachedFolder(folder, () => trainArtefact(folder, options));
}
