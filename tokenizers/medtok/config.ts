/** Every choice of a MedTok tokenizer, with the strict reading as default and the published code's as a preset. */
import { BenchError } from "../../core/errors.ts";
import type { Hyperparameters } from "../../core/hyperparameters.ts";

export interface MedTokConfig {
  /** `strict`: the corrected reading; `paper`: the public code, flaws included (medtok.md sections 2 and 3). */
  readonly protocol: "strict" | "paper";
  /** Which modalities there are: the ablations leave one out. */
  readonly modality: "both" | "text" | "graph";
  /** N, rows of the codebook; 0 chooses by the number of codes. */
  readonly codebookSize: number;
  /** K, tokens of each part. */
  readonly perPart: number;
  /** d. */
  readonly width: number;
  /** Width between the two graph layers. */
  readonly graphWidth: number;
  readonly heads: number;
  /**
   * Share of the nodes that stand for the code itself (`Subgraphs.core`) in the mean over a code's nodes, and
   * what attention to the nodes starts from; 0: all nodes alike, as in the public code. `Deviation:` by default
   * half, as the mean over all nodes loses the code among what lies around it: its twin in another system
   * looks like each of the twin's siblings.
   */
  readonly ownShare: number;
  /** Factor of the distances' softmax is 1 / temperature. */
  readonly temperature: number;
  /** Weight of the commitment term within L_C. */
  readonly commitment: number;
  /** β, weight of alignment; λ, weight of orthogonality. */
  readonly beta: number;
  readonly lambda: number;
  readonly contrastTemperature: number;
  readonly klWeight: number;
  readonly klTemperature: number;
  /**
   * Rows of the shared region on which the KL term is estimated at each step; 0 takes all, as published.
   * `Deviation:` a sample, since the term is small and all rows would cost as much as a part's quantization.
   */
  readonly klRows: number;
  readonly textDropout: number;
  readonly edgeDropout: number;
  readonly attentionDropout: number;
  /** 0 chooses by the number of codes. */
  readonly steps: number;
  /** Codes of a step; at most the number of codes. */
  readonly batch: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly schedule: "constant" | "linear" | "cosine";
  readonly clipNorm: number;
  /** First rows of the codebook: normal draws, or vectors of data points. */
  readonly codebookInit: "normal" | "data";
  /** First vectors of the graph's nodes: normal draws, or from the texts of the codes around them (`node-start.ts`). */
  readonly nodeInit: "normal" | "text";
  /** Steps after which entries nobody chose are moved onto recent vectors; 0 never. */
  readonly restartEvery: number;
  /** Steps between two lines of the log, and between checkpoints. */
  readonly logEvery: number;
  readonly checkpointEvery: number;
  /** Log lines without a lower loss before training stops; 0 never stops early. */
  readonly patience: number;
}

export const MEDTOK_DEFAULTS: MedTokConfig = {
  protocol: "strict",
  modality: "both",
  codebookSize: 0,
  perPart: 5,
  width: 64,
  graphWidth: 128,
  heads: 4,
  ownShare: 0.5,
  temperature: 1,
  commitment: 0.25,
  beta: 0.1,
  lambda: 1,
  contrastTemperature: 0.07,
  klWeight: 1,
  klTemperature: 1,
  klRows: 1024,
  textDropout: 0.1,
  edgeDropout: 0.1,
  attentionDropout: 0.1,
  steps: 0,
  batch: 512,
  learningRate: 1e-3,
  warmup: 20,
  schedule: "cosine",
  clipNorm: 1,
  codebookInit: "data",
  nodeInit: "text",
  restartEvery: 50,
  logEvery: 50,
  checkpointEvery: 500,
  patience: 0,
};

/** The public code's reading and settings. */
export const MEDTOK_PAPER: Partial<MedTokConfig> = {
  protocol: "paper",
  ownShare: 0,
  codebookSize: 21000,
  lambda: 0.1,
  klWeight: 0,
  steps: 3000,
  batch: 1024,
  learningRate: 1e-4,
  warmup: 0,
  schedule: "constant",
  codebookInit: "normal",
  nodeInit: "normal",
  restartEvery: 0,
};

export const MEDTOK_PRESETS: Readonly<Record<string, Hyperparameters>> = {
  paper: MEDTOK_PAPER as Hyperparameters,
};

/** The largest codebook that is chosen by itself. */
export const MOST_ROWS = 12288;

/**
 * N for V codes: 3·2^k closest to V, at least 384, at most 12,288. `Deviation:` medtok.md 9.4 starts from V/8, for
 * compression. With fewer than three rows a code in all, quantization loses who is near to whom: of 1,354 codes the
 * five nearest share the condition for 58 % with 384 rows, 67 % with 1,536, and 73 % before quantization.
 */
export function codebookSizeFor(codes: number): number {
  let best = 384;
  for (let size = 384; size <= MOST_ROWS; size *= 2)
    if (Math.abs(size - codes) < Math.abs(best - codes)) best = size;
  return best;
}

/**
 * Steps for V codes: those of 75 epochs, at least 100, at most 2,000. The losses tell codes apart; trained on and on
 * with few codes they also tell siblings apart, which the vectors should not.
 */
export function stepsFor(codes: number, batch: number): number {
  return Math.max(100, Math.min(2000, Math.ceil((75 * codes) / batch)));
}

function refuse(what: string, fix: string): never {
  throw new BenchError({ what, fix, exitCode: 2 });
}

const CHOICES = {
  protocol: ["strict", "paper"],
  modality: ["both", "text", "graph"],
  schedule: ["constant", "linear", "cosine"],
  codebookInit: ["normal", "data"],
  nodeInit: ["normal", "text"],
} as const;

/**
 * A whole configuration from the options a user gave; what is missing takes its default, `codebookSize: 0`
 * and `steps: 0` what suits `codes` codes. @throws BenchError for an unknown name, a wrong kind or a value out of range.
 */
export function medTokConfig(options: Hyperparameters, codes: number): MedTokConfig {
  const defaults: Hyperparameters = { ...MEDTOK_DEFAULTS };
  for (const [name, value] of Object.entries(options)) {
    const known = defaults[name];
    if (known === undefined)
      refuse(`medtok has no option "${name}"`, `use one of ${Object.keys(defaults).join(", ")}`);
    if (typeof value !== typeof known)
      refuse(`medtok's option ${name} is a ${typeof known}, got ${value}`, `e.g. ${name}=${known}`);
  }
  for (const [name, allowed] of Object.entries(CHOICES)) {
    const value = options[name];
    if (value !== undefined && !(allowed as readonly unknown[]).includes(value))
      refuse(`medtok's option ${name} cannot be ${value}`, `choose one of ${allowed.join(", ")}`);
  }
  const config = { ...defaults, ...options } as unknown as MedTokConfig;
  const size = config.codebookSize === 0 ? codebookSizeFor(codes) : config.codebookSize;
  const steps = config.steps === 0 ? stepsFor(codes, config.batch) : config.steps;
  return checked({ ...config, codebookSize: size, steps });
}

function checked(config: MedTokConfig): MedTokConfig {
  const region = Math.floor(config.codebookSize / 3);
  if (!Number.isInteger(config.codebookSize) || region < config.perPart)
    refuse(
      `a codebook of ${config.codebookSize} rows has no three regions of ${config.perPart} or more`,
      `set codebookSize to a whole number, at least ${3 * config.perPart}`,
    );
  if (config.width % config.heads !== 0)
    refuse(`${config.heads} heads do not divide the width ${config.width}`, "set heads or width");
  for (const name of ["perPart", "width", "graphWidth", "heads", "steps", "batch"] as const)
    if (!Number.isInteger(config[name]) || config[name] < 1)
      refuse(`medtok's option ${name} cannot be ${config[name]}`, "give a whole number above 0");
  for (const name of ["temperature", "contrastTemperature", "klTemperature"] as const)
    if (!(config[name] > 0))
      refuse(`medtok's option ${name} cannot be ${config[name]}`, "give a number above 0");
  for (const name of ["textDropout", "edgeDropout", "attentionDropout"] as const)
    if (!(config[name] >= 0 && config[name] < 1))
      refuse(`medtok's option ${name} cannot be ${config[name]}`, "give a share from 0 to below 1");
  return config;
}
