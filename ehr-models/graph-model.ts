/**
 * Turns "inputs + forward" into a ModelDefinition: loss, gradients, batches, early stopping and prediction
 * are the same for every neural model, so a model file holds its equations and defaults only.
 */
import { BenchError } from "../core/errors.ts";
import type { FitContext, FittedModel, Hyperparameters, ModelDefinition } from "../core/model.ts";
import { unknownName } from "../core/registry.ts";
import type { SampleSource } from "../core/samples.ts";
import { fit } from "../engine/fit.ts";
import { makeSchedule } from "../engine/optimizer.ts";
import type { Feeds } from "../engine/runner.ts";
import type { Batch, Trainer } from "../engine/trainer.ts";
import {
  type BatchSource,
  PART_TOKENS,
  type PartLimits,
  shuffledBatches,
  splitBatch,
} from "./batch-source.ts";
import { checkTraining } from "./checks.ts";
import {
  checkpointSlot,
  exportModel,
  type Full,
  type GraphModel,
  makePredictor,
  makeTrainer,
  optimizerOf,
  type Setup,
  trainingBatch,
} from "./model-graphs.ts";

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

function* partsOfBatches(
  batches: readonly Int32Array[],
  source: BatchSource,
  labels: SampleSource,
  limits: PartLimits,
  lossFeeds: (part: Int32Array, key: string) => Feeds,
): Iterable<readonly Batch[]> {
  for (const [b, batch] of batches.entries())
    yield splitBatch(batch, source, limits).map((part, p) =>
      trainingBatch(source, labels, part, lossFeeds(part, `${b}/${p}`)),
    );
}

/** Trains; the predictor reads the trainer's parameters in place to score the tuning split. */
async function train<H extends Hyperparameters>(
  setup: Setup<H>,
  context: FitContext,
  trainer: Trainer,
  source: BatchSource,
): Promise<FittedModel["summary"]> {
  const { model, hyperparameters: hyper, tokenizer, limits } = setup;
  const tuning = model.inputs(context.tuning, tokenizer, hyper);
  const predictor = await makePredictor(setup, tuning, (name) => trainer.state.parameter(name));
  const shuffle = context.random.derive("shuffle");
  const perEpoch = Math.ceil(source.size / hyper.batchSize);
  const steps = perEpoch * context.training.epochs;
  try {
    return await fit({
      trainer,
      optimizer: optimizerOf(hyper, context.labels, model.isDecayPerClass),
      schedule: makeSchedule(hyper.schedule, Math.round(hyper.warmup * steps), steps),
      averaging: hyper.averaging,
      epochs: context.training.epochs,
      patience: context.training.patience,
      batches: (epoch) => {
        const batches = shuffledBatches(source, hyper.batchSize, shuffle.derive(epoch));
        const stream = context.random.derive("loss").derive(epoch);
        const lossFeeds = (part: Int32Array, key: string) =>
          model.lossFeeds?.(part, epoch, stream.derive(key)) ?? {};
        const parts = partsOfBatches(batches, source, context.train, limits, lossFeeds);
        return { steps: batches.length, batches: parts };
      },
      evaluate: async () => context.score(await predictor.predict(tuning)),
      report: context.report,
      signal: context.signal,
      ...checkpointSlot(context, "train"),
    });
  } finally {
    await predictor.release();
  }
}

function checkCohort(context: FitContext): void {
  if (context.train.size === 0)
    throw new BenchError({
      what: "there are no training samples",
      fix: "use more data, or a task that more subjects qualify for",
    });
}

/** Values over a model's defaults. @throws BenchError for one that no fit can use. */
function checkedHyperparameters<H extends Hyperparameters>(
  model: GraphModel<H>,
  given: Hyperparameters,
): Full<H> {
  const hyperparameters: Full<H> = resolveHyperparameters(model.defaults, given);
  checkTraining(hyperparameters);
  model.check?.(hyperparameters);
  return hyperparameters;
}

/** What a fit is about, checked. @throws BenchError for hyperparameters that do not fit. */
export function prepare<H extends Hyperparameters>(
  model: GraphModel<H>,
  context: FitContext,
  given: Hyperparameters,
): Setup<H> {
  const hyperparameters = checkedHyperparameters(model, given);
  checkCohort(context);
  const bytesOfSample = (length: number) => model.bytesOfSample?.(length, hyperparameters) ?? 0;
  const { labels, tokenizer, threads } = context;
  const { raceCount } = context.train;
  const limits = { tokens: PART_TOKENS, bytesOfSample, recurrent: model.recurrent === true };
  return { model, hyperparameters, labels, tokenizer, raceCount, limits, threads };
}

/** Fits a model; `defineGraphModel` makes this its `fit`. */
export async function fitGraphModel<H extends Hyperparameters>(
  model: GraphModel<H>,
  context: FitContext,
  given: Hyperparameters,
): Promise<FittedModel> {
  const checked = prepare(model, context, given);
  const ready = await model.withData?.(context, checked.hyperparameters);
  const setup = ready === undefined ? checked : prepare(ready, context, given);
  const inputsOf = (samples: SampleSource) =>
    setup.model.inputs(samples, setup.tokenizer, setup.hyperparameters);
  const source = inputsOf(context.train);
  const pretrained = await setup.model.pretrain?.(context, setup);
  const trainer = await makeTrainer(setup, source, context, pretrained?.parameters);
  try {
    const trained = await train(setup, context, trainer, source);
    const summary = { ...trained, ...(pretrained && { pretraining: pretrained.summaries }) };
    const parameters = trainer.state.exportParameters();
    const fitted = (name: string) => parameters.get(name) as Float32Array;
    const predictor = await makePredictor(setup, source, fitted);
    return {
      summary,
      predict: (samples) => predictor.predict(inputsOf(samples)),
      exportOnnx: async () => exportModel(setup, source, parameters),
      dispose: () => predictor.release(),
    };
  } finally {
    await trainer.release();
  }
}

/** A ModelDefinition from a model's inputs and forward pass. */
export function defineGraphModel<H extends Hyperparameters>(model: GraphModel<H>): ModelDefinition {
  const { name, version, description, reference, accepts, defaults, presets } = model;
  const { files, refuses } = model;
  return {
    name,
    version,
    description,
    reference,
    accepts,
    defaults,
    presets: presets as ModelDefinition["presets"],
    ...(files === undefined ? {} : { files }),
    ...(refuses === undefined ? {} : { refuses }),
    check: (given) => {
      checkedHyperparameters(model, given);
    },
    ...(model.checkFiles === undefined
      ? {}
      : {
          checkFiles: (given, files) =>
            model.checkFiles?.(resolveHyperparameters(defaults, given), files),
        }),
    history: (given) => model.history(resolveHyperparameters(defaults, given)),
    fit: (context, given) => fitGraphModel(model, context, given),
  };
}
