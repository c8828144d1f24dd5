/**
 * Turns "inputs + forward" into a ModelDefinition: loss, gradients, batches, early stopping and prediction
 * are the same for every neural model, so a model file holds its equations and defaults only.
 */
import { BenchError } from "../core/errors.ts";
import type { LabelKind, LabelSpec } from "../core/label.ts";
import type { FitContext, FittedModel, Hyperparameters, ModelDefinition } from "../core/model.ts";
import { unknownName } from "../core/registry.ts";
import type { HistoryLimit, SampleSource } from "../core/samples.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import { fit } from "../engine/fit.ts";
import { Graph, type Tensor } from "../engine/graph.ts";
import { binaryLoss, softmaxLoss } from "../engine/ops/losses.ts";
import { makeSchedule, OPTIMIZER_DEFAULTS } from "../engine/optimizer.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../engine/trainer.ts";
import {
  type BatchSource,
  PART_TOKENS,
  type PartLimits,
  shuffledBatches,
  splitBatch,
} from "./batch-source.ts";
import { frozenTables } from "./code-embedding.ts";
import { Predictor } from "./predictor.ts";

/** Hyperparameters of the training loop that every graph model has; spread them into its defaults. */
export const TRAINING_DEFAULTS = {
  learningRate: 1e-3,
  batchSize: 64,
  weightDecay: 0.01,
  clipNorm: 1,
  /** constant | linear | cosine, after a linear rise over `warmup` of all steps. */
  schedule: "cosine" as string,
  warmup: 0.05,
};

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

export interface GraphModel<H extends Hyperparameters> {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly reference: string;
  readonly accepts: readonly LabelKind[];
  readonly defaults: H & typeof TRAINING_DEFAULTS;
  readonly presets: Readonly<Record<string, Partial<H & typeof TRAINING_DEFAULTS>>>;
  history(hyperparameters: H): HistoryLimit;
  /** Refuses values that do not go together. @throws BenchError. */
  check?(hyperparameters: H): void;
  inputs(source: SampleSource, tokenizer: Tokenizer, hyperparameters: H): BatchSource;
  /** Bytes of the largest temporary for one sample of a length; bounds how much of a batch runs at once. */
  bytesOfSample?(length: number, hyperparameters: H): number;
  /** Logits [B, C]. */
  forward(context: ForwardContext<H>): Tensor;
}

/** Values over defaults. @throws BenchError for an unknown name or a value of another type. */
export function resolveHyperparameters<H extends Hyperparameters>(
  defaults: H,
  given: Hyperparameters,
): H {
  for (const [name, value] of Object.entries(given)) {
    const standard = defaults[name];
    if (standard === undefined) throw unknownName("hyperparameter", name, Object.keys(defaults));
    if (typeof value !== typeof standard || (typeof value === "number" && !Number.isFinite(value)))
      throw new BenchError({
        what: `hyperparameter ${name} is ${JSON.stringify(value)}`,
        fix: `give a ${typeof standard}; the default is ${standard}`,
        exitCode: 2,
      });
  }
  return { ...defaults, ...given };
}

type Full<H> = H & typeof TRAINING_DEFAULTS;

/** Everything that one fit needs to build its two graphs. */
interface Setup<H extends Hyperparameters> {
  readonly model: GraphModel<H>;
  readonly hyperparameters: Full<H>;
  readonly labels: LabelSpec;
  readonly tokenizer: Tokenizer;
  readonly raceCount: number;
  readonly limits: PartLimits;
  readonly threads: number;
}

function buildForward<H extends Hyperparameters>(
  setup: Setup<H>,
  source: BatchSource,
  training: boolean,
): { graph: Graph; logits: Tensor } {
  const { hyperparameters, tokenizer, raceCount } = setup;
  const classes = setup.labels.classes.length;
  const graph = new Graph({ training });
  const inputs = Object.fromEntries(
    Object.entries(source.specs).map(([name, { shape, type }]) => [
      name,
      graph.input(name, shape, type),
    ]),
  );
  const context = { graph, inputs, hyperparameters, classes, raceCount, tokenizer };
  return { graph, logits: setup.model.forward(context) };
}

async function makeTrainer<H extends Hyperparameters>(
  setup: Setup<H>,
  source: BatchSource,
  context: FitContext,
): Promise<Trainer> {
  const { graph, logits } = buildForward(setup, source, true);
  const targets = graph.input("y", ["B", setup.labels.classes.length]);
  const weighting = {
    weight: graph.input("weight", ["B", 1]),
    total: graph.input(TOTAL_WEIGHT, []),
  };
  const lossOf = setup.labels.kind === "multiclass" ? softmaxLoss : binaryLoss;
  const loss = lossOf(logits, targets, weighting);
  const { random, threads } = context;
  return Trainer.create({ graph, loss, random, threads, held: frozenTables(setup.tokenizer) });
}

async function makePredictor<H extends Hyperparameters>(
  setup: Setup<H>,
  source: BatchSource,
  parameterOf: (name: string) => Float32Array,
): Promise<Predictor> {
  const { graph, logits } = buildForward(setup, source, false);
  const values = { ...frozenTables(setup.tokenizer) };
  for (const { name } of graph.parameters) values[name] = parameterOf(name);
  const { labels, limits, threads } = setup;
  return Predictor.create({ graph, logits, kind: labels.kind, held: values, limits, threads });
}

/** A part of a training batch, with targets; every sample has weight 1. */
function trainingBatch(source: BatchSource, labels: SampleSource, samples: Int32Array): Batch {
  const { feeds, dims } = source.collate(samples);
  const C = labels.labelSpec.classes.length;
  const y = new Float32Array(samples.length * C);
  for (const [b, sample] of samples.entries()) y.set(labels.label(sample), b * C);
  const weight = new Float32Array(samples.length).fill(1);
  return { feeds: { ...feeds, y, weight }, dims, weight: samples.length };
}

function* partsOfBatches(
  batches: readonly Int32Array[],
  source: BatchSource,
  labels: SampleSource,
  limits: PartLimits,
): Iterable<readonly Batch[]> {
  for (const batch of batches)
    yield splitBatch(batch, source, limits).map((part) => trainingBatch(source, labels, part));
}

/** Trains; the predictor reads the trainer's parameters in place to score the tuning split. */
async function train<H extends Hyperparameters>(
  setup: Setup<H>,
  context: FitContext,
  trainer: Trainer,
): Promise<FittedModel["summary"]> {
  const { model, hyperparameters: hyper, tokenizer, limits } = setup;
  const source = model.inputs(context.train, tokenizer, hyper);
  const tuning = model.inputs(context.tuning, tokenizer, hyper);
  const predictor = await makePredictor(setup, tuning, (name) => trainer.state.parameter(name));
  const shuffle = context.random.derive("shuffle");
  const perEpoch = Math.ceil(source.size / hyper.batchSize);
  const steps = perEpoch * context.training.epochs;
  try {
    return await fit({
      trainer,
      optimizer: { ...OPTIMIZER_DEFAULTS, ...pickOptimizer(hyper) },
      schedule: makeSchedule(hyper.schedule, Math.round(hyper.warmup * steps), steps),
      epochs: context.training.epochs,
      patience: context.training.patience,
      batches: (epoch) => {
        const batches = shuffledBatches(source, hyper.batchSize, shuffle.derive(epoch));
        const parts = partsOfBatches(batches, source, context.train, limits);
        return { steps: batches.length, batches: parts };
      },
      evaluate: async () => context.score(await predictor.predict(tuning)),
      report: context.report,
      signal: context.signal,
    });
  } finally {
    await predictor.release();
  }
}

function pickOptimizer({ learningRate, weightDecay, clipNorm }: typeof TRAINING_DEFAULTS) {
  return { learningRate, weightDecay, clipNorm };
}

function checkCohort(context: FitContext, batchSize: number): void {
  if (context.train.size === 0)
    throw new BenchError({
      what: "there are no training samples",
      fix: "use more data, or a task that more subjects qualify for",
    });
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new BenchError({
      what: `hyperparameter batchSize is ${batchSize}`,
      fix: "give a whole number of at least 1",
      exitCode: 2,
    });
}

async function fitModel<H extends Hyperparameters>(
  model: GraphModel<H>,
  context: FitContext,
  given: Hyperparameters,
): Promise<FittedModel> {
  const hyperparameters: Full<H> = resolveHyperparameters(model.defaults, given);
  checkCohort(context, hyperparameters.batchSize);
  model.check?.(hyperparameters);
  const bytesOfSample = (length: number) => model.bytesOfSample?.(length, hyperparameters) ?? 0;
  const { labels, tokenizer, threads } = context;
  const { raceCount } = context.train;
  const limits = { tokens: PART_TOKENS, bytesOfSample };
  const setup = { model, hyperparameters, labels, tokenizer, raceCount, limits, threads };
  const inputs = model.inputs(context.train, tokenizer, hyperparameters);
  const trainer = await makeTrainer(setup, inputs, context);
  try {
    const summary = await train(setup, context, trainer);
    const parameters = trainer.state.exportParameters();
    const predictor = await makePredictor(
      setup,
      inputs,
      (name) => parameters.get(name) as Float32Array,
    );
    return {
      summary,
      predict: (samples) => predictor.predict(model.inputs(samples, tokenizer, hyperparameters)),
      dispose: () => predictor.release(),
    };
  } finally {
    await trainer.release();
  }
}

/** A ModelDefinition from a model's inputs and forward pass. */
export function defineGraphModel<H extends Hyperparameters>(model: GraphModel<H>): ModelDefinition {
  const { name, version, description, reference, accepts, defaults, presets } = model;
  return {
    name,
    version,
    description,
    reference,
    accepts,
    defaults,
    presets: presets as ModelDefinition["presets"],
    history: (given) => model.history(resolveHyperparameters(defaults, given)),
    fit: (context, given) => fitModel(model, context, given),
  };
}
