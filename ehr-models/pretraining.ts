/**
 * Stages before training: a graph and a loss of their own, over parameters that later stages share by
 * name. Each stage has its own progress, checkpoint and summary, and sees training subjects only, as all
 * that a fit is given to pretrain on is `FitContext.timelines` and the training samples.
 */
import type { FitContext, PretrainSummary } from "../core/model.ts";
import type { Random } from "../core/random.ts";
import { pretrain } from "../engine/fit.ts";
import { Graph, type Tensor } from "../engine/graph.ts";
import type { Weighting } from "../engine/ops/losses.ts";
import { makeSchedule } from "../engine/optimizer.ts";
import type { FeedArray, Feeds } from "../engine/runner.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../engine/trainer.ts";
import {
  type BatchSource,
  type Collated,
  type PartLimits,
  shuffledBatches,
  splitBatch,
} from "./batch-source.ts";
import {
  checkpointSlot,
  graphInputs,
  optimizerOf,
  type Parameters,
  type TRAINING_DEFAULTS,
} from "./model-graphs.ts";

/** What a stage's loss is built from. */
export interface StageGraph {
  readonly graph: Graph;
  /** The source's inputs by name. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Sum of `StageFeeds.weight` over the whole batch, shape []; divide by it, as losses in `engine/ops/losses.ts` do. */
  readonly total: Weighting["total"];
}

/** What the stage's loss reads beside the source's columns, for one part of a batch. */
export interface StageFeeds {
  /** Added to the collated feeds; equal names replace them, e.g. codes of which some are hidden. */
  readonly feeds: Feeds;
  /** Values of named sizes that are not B or L, e.g. the number of hidden positions. */
  readonly dims?: Readonly<Record<string, number>>;
  /** What the loss of this part is weighted by, e.g. its number of hidden positions; parts of weight 0 are left out. */
  readonly weight: number;
}

export interface PretrainStage {
  /** Names the stage in progress, records and checkpoints, e.g. `masked-codes`. */
  readonly name: string;
  readonly source: BatchSource;
  readonly limits: PartLimits;
  /** The optimizer's values; `averaging` is not used: the last parameters are kept. */
  readonly hyperparameters: typeof TRAINING_DEFAULTS;
  /** The model's own number of epochs, where the user gave none. */
  readonly epochs: number;
  /** The loss, shape []. Parameters that training should start from need the names they have there. */
  readonly loss: (stage: StageGraph) => Tensor;
  /** Draws what is special to one part of a batch, e.g. which codes are hidden, from a stream of its own. */
  readonly feeds: (samples: Int32Array, collated: Collated, random: Random) => StageFeeds;
  /** Values that parameters of these names start from, e.g. of the stage before. */
  readonly start?: Parameters;
  /** Values of inputs that never change, e.g. frozen tables. */
  readonly held?: Readonly<Record<string, FeedArray>>;
}

function* batchesOf(
  stage: PretrainStage,
  random: Random,
  epoch: number,
): Iterable<readonly Batch[]> {
  const { source, hyperparameters, limits } = stage;
  const shuffle = random.derive("shuffle").derive(epoch);
  const draws = random.derive("feeds").derive(epoch);
  const batches = shuffledBatches(source, hyperparameters.batchSize, shuffle);
  for (const [i, batch] of batches.entries()) {
    const parts = splitBatch(batch, source, limits).map((part, j): Batch => {
      const collated = source.collate(part);
      const { feeds, dims, weight } = stage.feeds(part, collated, draws.derive(`${i}/${j}`));
      return {
        feeds: { ...collated.feeds, ...feeds },
        dims: { ...collated.dims, ...dims },
        weight,
      };
    });
    const kept = parts.filter(({ weight }) => weight > 0);
    if (kept.length > 0) yield kept;
  }
}

async function makeTrainer(
  stage: PretrainStage,
  context: FitContext,
  random: Random,
): Promise<Trainer> {
  const graph = new Graph({ training: true });
  const inputs = graphInputs(graph, stage.source);
  const loss = stage.loss({ graph, inputs, total: graph.input(TOTAL_WEIGHT, []) });
  const { held = {}, start = new Map() } = stage;
  return Trainer.create({ graph, loss, random, threads: context.threads, held, start });
}

/**
 * Runs one stage and returns its last parameters, all of them, heads included: hand them to the next
 * stage's `start`, which takes those it has by name. `--pretrain-epochs` goes before the stage's own
 * number; at 0 nothing is run, the summary says 0 epochs, and what the stage was started from is returned.
 * @throws BenchError when the loss is not finite; the signal's reason when it is aborted.
 */
export async function runStage(
  stage: PretrainStage,
  context: FitContext,
): Promise<{ readonly summary: PretrainSummary; readonly parameters: Parameters }> {
  const { name, source, hyperparameters: hyper } = stage;
  const epochs = context.training.pretrainEpochs ?? stage.epochs;
  if (epochs === 0 || source.size === 0)
    return {
      summary: { stage: name, epochs: 0, losses: [] },
      parameters: stage.start ?? new Map(),
    };
  const random = context.random.derive("pretrain").derive(name);
  const trainer = await makeTrainer(stage, context, random);
  const perEpoch = Math.ceil(source.size / hyper.batchSize);
  const steps = perEpoch * epochs;
  try {
    const losses = await pretrain({
      stage: name,
      trainer,
      optimizer: optimizerOf(hyper),
      schedule: makeSchedule(hyper.schedule, Math.round(hyper.warmup * steps), steps),
      epochs,
      batches: (epoch) => ({ steps: perEpoch, batches: batchesOf(stage, random, epoch) }),
      report: (progress) => context.report({ stage: name, ...progress }),
      signal: context.signal,
      ...checkpointSlot(context, `pretrain-${name}`),
    });
    return {
      summary: { stage: name, epochs, losses },
      parameters: trainer.state.exportParameters(),
    };
  } finally {
    await trainer.release();
  }
}
