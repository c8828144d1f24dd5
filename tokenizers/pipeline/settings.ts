/** Options of the MedTok family: those of training, and how a model reads the result. */
import { BenchError } from "../../core/errors.ts";
import type { Hyperparameters } from "../../core/hyperparameters.ts";
import {
  MEDTOK_DEFAULTS,
  MEDTOK_PRESETS,
  type MedTokConfig,
  medTokConfig,
} from "../medtok/config.ts";
import { checkMode, MODES } from "./modes.ts";

/** What a run chooses beside the network's own options. */
export const USE_DEFAULTS = {
  /**
   * `tokens`: the model learns a vector a token and adds those of a code by weight; `vectors`: it reads each code's
   * vector; `codebook`: weighted rows of the codebook, which equal the vectors while frozen.
   */
  mode: "tokens" as string,
  /** Whether a model's training may also move the vectors, or the codebook. */
  trainable: false,
  /**
   * Whether codes of training subjects also have a learned vector of their own beside what the tokenizer gives.
   * `Deviation:` the paper's models read what the tokenizer gives alone.
   */
  residual: true,
  /** False: the vectors before quantization (ablation). */
  quantised: true,
  /** `random`: the trained network with a random codebook (the floor). */
  codebook: "trained" as string,
  /** `own`: the self-contained graph; `primekg`: a given kg.csv with the nodes of a given code table. */
  graph: "own" as string,
  /** `hashed`: the encoder that needs nothing; `sentence`: a sentence encoder, a given folder or `hub`. */
  text: "hashed" as string,
  /** A sentence encoder's name on the hub, which is then asked for it; empty: nothing is fetched. */
  hub: "",
  /**
   * Whether the graph has edges between codes that training subjects have together. Not by default: of 1,354 codes
   * the five nearest share the condition for 73 % without them, for 64 % with them, and with them a tokenizer holds
   * for one training split only.
   */
  coOccurrence: false,
  /** Of the tokenizer's training; apart from the run's, so that runs of several seeds share one tokenizer. */
  seed: 0,
};

export const MEDTOK_OPTIONS: Hyperparameters = { ...USE_DEFAULTS, ...MEDTOK_DEFAULTS };

/** Named sets of options of a run's tokenizer. */
export const RUN_PRESETS: Readonly<Record<string, Hyperparameters>> = {
  paper: { ...MEDTOK_PRESETS["paper"], mode: "vectors", residual: false },
  vectors: { mode: "vectors" },
  "vectors-alone": { mode: "vectors", residual: false },
  "tokens-alone": { residual: false },
};

export type Use = typeof USE_DEFAULTS;

export interface Settings {
  readonly use: Use;
  readonly config: MedTokConfig;
}

const CHOICES = {
  mode: MODES,
  codebook: ["trained", "random"],
  graph: ["own", "primekg"],
  text: ["hashed", "sentence"],
} as const;

/** Checks and parts options. @throws BenchError for values that are not offered or do not go together. */
export function settingsOf(options: Hyperparameters, codes: number): Settings {
  const use: Record<string, string | number | boolean> = { ...USE_DEFAULTS };
  const network: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(options)) {
    if (name in USE_DEFAULTS) use[name] = value;
    else network[name] = value;
  }
  for (const [name, allowed] of Object.entries(CHOICES))
    if (!(allowed as readonly unknown[]).includes(use[name]))
      throw new BenchError({
        what: `medtok's option ${name} cannot be ${use[name]}`,
        fix: `choose one of ${allowed.join(", ")}`,
        exitCode: 2,
      });
  checkMode(use["mode"], use["trainable"]);
  if (use["mode"] !== "vectors" && use["quantised"] === false)
    throw new BenchError({
      what: `mode=${use["mode"]} with quantised=false: vectors before quantization have no tokens`,
      fix: "set mode=vectors",
      exitCode: 2,
    });
  if (use["graph"] === "primekg" && use["coOccurrence"] === true)
    throw new BenchError({
      what: "graph=primekg with coOccurrence=true: a published graph has no edges between codes",
      fix: "set coOccurrence=false, or choose the preset primekg",
      exitCode: 2,
    });
  return { use: use as unknown as Use, config: medTokConfig(network, codes) };
}
