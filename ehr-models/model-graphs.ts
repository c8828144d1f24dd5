/** The graphs of a model: its forward pass with a loss for training, and alone for prediction. */

import type { LabelKind, LabelSpec } from "../core/label.ts";
import type {
  ExportedModel,
  FitContext,
  Hyperparameters,
  ModelDefinition,
  PretrainSummary,
} from "../core/model.ts";
import type { Random } from "../core/random.ts";
import type { HistoryLimit, SampleSource } from "../core/samples.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import type { CheckpointSlot } from "../engine/checkpoint.ts";
import { exportOnnx } from "../engine/export.ts";
import { Graph, type GraphOptions, type Tensor } from "../engine/graph.ts";
import { mixedTables } from "../engine/mixture.ts";
import { binaryLoss, softmaxLoss, type Weighting } from "../engine/ops/losses.ts";
import { OPTIMIZER_DEFAULTS, type OptimizerOptions } from "../engine/optimizer.ts";
import type { FeedArray, Feeds } from "../engine/runner.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../engine/trainer.ts";
import type { BatchSource, PartLimits } from "./batch-source.ts";
import { frozenTables } from "./code-embedding.ts";
import { Predictor } from "./predictor.ts";

/** Hyperparameters of the training loop that every graph model has; spread them into its defaults. */
export const TRAINING_DEFAULTS = {
  learningRate: 1e-3,
  batchSize: 64,
  weightDecay: 0.01,
  clipNorm: 1,
  /**
   * Adam's epsilon in training, for the gradient of one class. Large ones, of the size of gradients, let rarely seen codes
   * move in proportion to their gradients instead of by full steps.
   */
  epsilon: 1e-8,
  /** constant | linear | cosine, after a linear rise over `warmup` of all steps. */
  schedule: "cosine" as string,
  warmup: 0.05,
  /** Decay per step of the averaged parameters that are scored and kept; 0 keeps the current ones. */
  averaging: 0.998,
};

/**
 * TRAINING_DEFAULTS for models of many codes, most of them rare. With a large epsilon Adam is close to gradient
 * descent, and decay to a ridge penalty: a code that few subjects have stays near zero instead of fitting them. Little
 * dropout is needed beside it.
 */
export const RIDGE_DEFAULTS = {
  ...TRAINING_DEFAULTS,
  learningRate: 5e-3,
  epsilon: 3e-3,
  weightDecay: 0.25,
};

/**
 * The optimizer that hyperparameters ask for, in training and, without labels, in every stage before it. A
 * multilabel loss is a mean over C classes, so what one of them does to a parameter is C times smaller than in a
 * binary task; epsilon shrinks alike, or it would hold back what it only has to damp. Stages without labels learn
 * from every code of a record and have nothing to damp: Adam's own epsilon.
 * @param isDecayPerClass whether decay is that of one class too: many classes inform the vectors that they share
 */
export function optimizerOf(
  hyper: typeof TRAINING_DEFAULTS,
  labels?: LabelSpec,
  isDecayPerClass = false,
): OptimizerOptions {
  const { learningRate, clipNorm } = hyper;
  const shared = { ...OPTIMIZER_DEFAULTS, learningRate, clipNorm };
  if (labels === undefined) return { ...shared, weightDecay: hyper.weightDecay };
  const classes = labels.kind === "multilabel" ? labels.classes.length : 1;
  const weightDecay = hyper.weightDecay / (isDecayPerClass ? classes : 1);
  return { ...shared, weightDecay, epsilon: hyper.epsilon / classes };
}

/** Parameters by name, e.g. `layer0.attention.query.weight`. */
export type Parameters = ReadonlyMap<string, Float32Array>;

/** What pretraining hands on to training. */
export interface Pretrained {
  readonly parameters: Parameters;
  readonly summaries: readonly PretrainSummary[];
}

export interface ForwardContext<H> {
  readonly graph: Graph;
  /** The model's inputs by column name. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly hyperparameters: H;
  /** C. */
  readonly classes: number;
  readonly raceCount: number;
  readonly tokenizer: Tokenizer;
}

/** What a loss of the model's own is made from. */
export interface LossContext<H> {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly hyperparameters: H;
  /** [B, C]. */
  readonly logits: Tensor;
  readonly targets: Tensor;
  readonly weighting: Weighting;
}

export interface GraphModel<H extends Hyperparameters> {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly reference: string;
  readonly accepts: readonly LabelKind[];
  readonly defaults: H & typeof TRAINING_DEFAULTS;
  readonly presets: Readonly<Record<string, Partial<H & typeof TRAINING_DEFAULTS>>>;
  readonly files?: NonNullable<ModelDefinition["files"]>;
  readonly refuses?: NonNullable<ModelDefinition["refuses"]>;
  history(hyperparameters: H): HistoryLimit;
  /** Refuses values that do not go together. @throws BenchError. */
  check?(hyperparameters: H): void;
  /** See `ModelDefinition.checkFiles`. */
  checkFiles?(hyperparameters: H, files: FitContext["files"]): void;
  inputs(source: SampleSource, tokenizer: Tokenizer, hyperparameters: H): BatchSource;
  /** Bytes of the largest temporary for one sample of a length; bounds how much of a batch runs at once. */
  bytesOfSample?(length: number, hyperparameters: H): number;
  /** See `PartLimits.recurrent`. */
  readonly recurrent?: boolean;
  /** Whether `weightDecay` is that of one class, as epsilon is; see `optimizerOf`. */
  readonly isDecayPerClass?: boolean;
  /** The model for one fit, with what it makes from training data and files beforehand, e.g. graphs over classes. */
  withData?(context: FitContext, hyperparameters: Full<H>): Promise<GraphModel<H>>;
  /** Logits [B, C]. */
  forward(context: ForwardContext<H>): Tensor;
  /** Values of inputs that `forward` and `loss` declare and that never change, by name. */
  readonly held?: Readonly<Record<string, FeedArray>>;
  /** Instead of the loss of the label's kind; shape [], a mean over the weights of the whole step. */
  loss?(context: LossContext<H>): Tensor;
  /** Values of inputs that `loss` declares, for one part of a batch. The stream is that part's own. */
  lossFeeds?(samples: Int32Array, epoch: number, random: Random): Feeds;
  /** Stages before training (`runStage`); training starts from the parameters that it shares with them by name. */
  pretrain?(context: FitContext, setup: Setup<H>): Promise<Pretrained>;
}

/** A model's own hyperparameters and those of the training loop. */
export type Full<H> = H & typeof TRAINING_DEFAULTS;

/** Everything that one fit needs to build its two graphs. */
export interface Setup<H extends Hyperparameters> {
  readonly model: GraphModel<H>;
  readonly hyperparameters: Full<H>;
  readonly labels: LabelSpec;
  readonly tokenizer: Tokenizer;
  readonly raceCount: number;
  readonly limits: PartLimits;
  readonly threads: number;
}

/** The inputs of a graph that a source feeds, by name. */
export function graphInputs(graph: Graph, source: BatchSource): Readonly<Record<string, Tensor>> {
  const specs = Object.entries(source.specs);
  return Object.fromEntries(
    specs.map(([name, { shape, type }]) => [name, graph.input(name, shape, type)]),
  );
}

/** The place of one stage's checkpoint, where the fit has one. */
export function checkpointSlot(
  { checkpoints }: FitContext,
  key: string,
): { readonly checkpoint?: CheckpointSlot } {
  if (checkpoints === undefined) return {};
  const load = () => checkpoints.load(key);
  return { checkpoint: { load, save: (bytes) => checkpoints.save(key, bytes) } };
}

function buildForward<H extends Hyperparameters>(
  setup: Setup<H>,
  source: BatchSource,
  options: GraphOptions,
): { graph: Graph; inputs: Readonly<Record<string, Tensor>>; logits: Tensor } {
  const { hyperparameters, tokenizer, raceCount } = setup;
  const classes = setup.labels.classes.length;
  const graph = new Graph(options);
  const inputs = graphInputs(graph, source);
  const context = { graph, inputs, hyperparameters, classes, raceCount, tokenizer };
  return { graph, inputs, logits: setup.model.forward(context) };
}

function heldValues<H extends Hyperparameters>({ model, tokenizer }: Setup<H>) {
  return { ...frozenTables(tokenizer), ...model.held };
}

/** The trainer of a model on inputs of one shape; `start` is what pretraining left. */
export async function makeTrainer<H extends Hyperparameters>(
  setup: Setup<H>,
  source: BatchSource,
  context: FitContext,
  start: Parameters = new Map(),
): Promise<Trainer> {
  const { graph, inputs, logits } = buildForward(setup, source, { training: true });
  const targets = graph.input("y", ["B", setup.labels.classes.length]);
  const weighting = {
    weight: graph.input("weight", ["B", 1]),
    total: graph.input(TOTAL_WEIGHT, []),
  };
  const { model, hyperparameters, labels } = setup;
  const lossOf = labels.kind === "multiclass" ? softmaxLoss : binaryLoss;
  const loss =
    model.loss?.({ graph, inputs, hyperparameters, logits, targets, weighting }) ??
    lossOf(logits, targets, weighting);
  const { random, threads } = context;
  return Trainer.create({ graph, loss, random, threads, held: heldValues(setup), start });
}

/** The predictor of a model, with parameters read in place. */
export async function makePredictor<H extends Hyperparameters>(
  setup: Setup<H>,
  source: BatchSource,
  parameterOf: (name: string) => Float32Array,
): Promise<Predictor> {
  const { graph, logits } = buildForward(setup, source, {});
  const values: Record<string, FeedArray> = heldValues(setup);
  for (const { name } of graph.parameters) values[name] = parameterOf(name);
  const { labels, limits, threads } = setup;
  return Predictor.create({ graph, logits, kind: labels.kind, held: values, limits, threads });
}

/** A trained model as a file: parameters and fixed inputs inside, standard operators only. */
export function exportModel<H extends Hyperparameters>(
  setup: Setup<H>,
  source: BatchSource,
  parameters: ReadonlyMap<string, Float32Array>,
): ExportedModel {
  const { graph, logits } = buildForward(setup, source, { fused: false });
  const mixed = mixedTables(graph, (name) => parameters.get(name) as Float32Array);
  const fixed = { ...heldValues(setup), ...mixed };
  const values = new Map([...Object.entries(fixed), ...parameters]);
  return exportOnnx(graph, logits, setup.labels.kind, values);
}

/** A part of a training batch, with targets and what else the loss is fed; every sample has weight 1. */
export function trainingBatch(
  source: BatchSource,
  labels: SampleSource,
  samples: Int32Array,
  lossFeeds: Feeds = {},
): Batch {
  const { feeds, dims } = source.collate(samples);
  const C = labels.labelSpec.classes.length;
  const y = new Float32Array(samples.length * C);
  for (const [b, sample] of samples.entries()) y.set(labels.label(sample), b * C);
  const weight = new Float32Array(samples.length).fill(1);
  return { feeds: { ...feeds, ...lossFeeds, y, weight }, dims, weight: samples.length };
}
