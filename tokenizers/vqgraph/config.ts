/** Every choice of the graph-only rival, with the published values as a preset (medtok.md section 7). */
import { BenchError } from "../../core/errors.ts";
import type { Hyperparameters } from "../../core/hyperparameters.ts";
import { codebookSizeFor } from "../medtok/config.ts";
import { checkMode, MODES } from "../pipeline/modes.ts";

export const VQGRAPH_DEFAULTS = {
  /** As medtok's: `tokens`, `vectors` or `codebook`. */
  mode: "tokens" as string,
  /** Whether a model's training may also move the vectors, or the codebook. */
  trainable: false,
  /**
   * Whether codes of training subjects also have a learned vector of their own beside the given one.
   * `Deviation:` the paper's models read the given vectors alone.
   */
  residual: true,
  /** `own`: the self-contained graph; `primekg`: a given kg.csv with the nodes of a given code table. */
  graph: "own" as string,
  /** Whether the graph has edges between codes that training subjects have together. */
  coOccurrence: false,
  /** Of the tokenizer's training, apart from the run's. */
  seed: 0,
  /** Rows of the codebook; 0 takes as many as medtok for as many codes. */
  codebookSize: 0,
  /** Of features, layer and codebook alike, as published; as wide as medtok's vectors. */
  width: 256,
  steps: 500,
  /** Nodes of a step: the adjacency between them is rebuilt, which costs their square. */
  block: 1024,
  /** Neighbours of a node that enter a block with it. */
  neighbours: 16,
  learningRate: 1e-3,
  /** Share of a codebook row that is kept when it moves to the nodes that chose it. */
  decay: 0.8,
  commitment: 0.25,
  featureWeight: 1,
  edgeWeight: 1,
  /** Steps after which rows that no node chose are moved onto nodes; 0 never. */
  restartEvery: 50,
};

export type VqGraphConfig = typeof VQGRAPH_DEFAULTS;

/**
 * `Deviation:` the default weights of the two reconstructions are 1. The published 0.001 and 0.03 stand beside
 * a class loss, which a graph of codes has no labels for; alone they are lost beside the commitment: on 8,000
 * ICD-10-CM codes after 200 steps the nearest code shared the category of 5 % (perplexity 37 of 768 rows) instead
 * of 53 % (324).
 */
export const VQGRAPH_PUBLISHED: Partial<VqGraphConfig> = {
  codebookSize: 5000,
  featureWeight: 0.001,
  edgeWeight: 0.03,
  restartEvery: 0,
};

const CHOICES = { mode: MODES, graph: ["own", "primekg"] } as const;

function refuse(what: string, fix: string): never {
  throw new BenchError({ what, fix, exitCode: 2 });
}

/** A whole configuration for a number of codes. @throws BenchError for values out of range. */
export function vqGraphConfig(options: Hyperparameters, codes: number): VqGraphConfig {
  const given = { ...VQGRAPH_DEFAULTS, ...options } as VqGraphConfig;
  const codebookSize = given.codebookSize === 0 ? codebookSizeFor(codes) : given.codebookSize;
  const config = { ...given, codebookSize };
  for (const [name, allowed] of Object.entries(CHOICES)) {
    const value = config[name as keyof typeof CHOICES];
    if (!(allowed as readonly string[]).includes(value))
      refuse(`vqgraph's option ${name} cannot be ${value}`, `choose one of ${allowed.join(", ")}`);
  }
  checkMode(config.mode, config.trainable);
  for (const name of ["codebookSize", "width", "steps", "block", "neighbours"] as const)
    if (!Number.isInteger(config[name]) || config[name] < 1)
      refuse(`vqgraph's option ${name} cannot be ${config[name]}`, "give a whole number above 0");
  if (!(config.decay >= 0 && config.decay < 1))
    refuse(`vqgraph's option decay cannot be ${config.decay}`, "give a share from 0 to below 1");
  if (config.graph === "primekg" && config.coOccurrence)
    refuse(
      "graph=primekg with coOccurrence=true: a published graph has no edges between codes",
      "set coOccurrence=false, or choose the preset primekg",
    );
  return config;
}
