/** Fits the decoder to the next token of training subjects' timelines; the epoch is chosen on subjects set aside. */
import type { FitContext, TrainingSummary, TuningScore } from "../../core/model.ts";
import type { Random } from "../../core/random.ts";
import type { SampleSource } from "../../core/samples.ts";
import { fit } from "../../engine/fit.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { makeSchedule, OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { Session } from "../../engine/runner.ts";
import { type Batch, TOTAL_WEIGHT, Trainer } from "../../engine/trainer.ts";
import {
  type BatchSource,
  mixedBatches,
  PART_TOKENS,
  type PartLimits,
  splitBatch,
} from "../batch-source.ts";
import { checkpointSlot, type TRAINING_DEFAULTS } from "../model-graphs.ts";
import { lossGraph, type Network } from "./network.ts";
import { eventsOf } from "./timeline.ts";
import { LEADING, type Vocabulary } from "./vocabulary.ts";
import { cutWindows, type Subject, targetsOf, type Window, windowSource } from "./windows.ts";

/** AdamW's second moment forgets faster than by default, as GPT's does. */
const B2 = 0.95;
/** Bytes of the logits of a part. */
const LOGIT_BYTES = 64 * 2 ** 20;
/** Fewest tokens of a part, whatever the vocabulary. */
const LEAST_TOKENS = 1024;
/** Share of the training subjects that an epoch is judged by; the published code keeps 4 % of the tokens. */
const JUDGED = 0.05;

/** Timelines of whole records, ends included. */
export function wholeSubjects(timelines: SampleSource, vocabulary: Vocabulary): Subject[] {
  return Array.from({ length: timelines.size }, (_, i) => ({
    ...vocabulary.encodeWhole(
      eventsOf(timelines.read(i), vocabulary.roles, timelines.ageYears[i] as number),
    ),
    sex: timelines.sex[i] as number,
    race: timelines.race[i] as number,
  }));
}

/**
 * Training subjects that are only judged by, and the others. Histories of the tuning split would not do: they
 * stop at a prediction time, so nobody in them has died and no record in them has ended, and a model that
 * never says so would look better. Of too few subjects all are both.
 */
function setAside(
  subjects: readonly Subject[],
  random: Random,
): { readonly fitted: readonly Subject[]; readonly judged: readonly Subject[] } {
  const order = random.shuffle([...subjects]);
  const count = Math.floor(JUDGED * order.length);
  if (count === 0) return { fitted: subjects, judged: subjects };
  return { fitted: order.slice(count), judged: order.slice(0, count) };
}

function limitsOf(network: Network): PartLimits {
  const byLogits = Math.floor(LOGIT_BYTES / (4 * network.vocabulary));
  return {
    tokens: Math.max(LEAST_TOKENS, Math.min(PART_TOKENS, byLogits)),
    bytesOfSample: (length) => 4 * network.heads * length ** 2,
  };
}

function partOf(source: BatchSource, windows: readonly Window[], part: Int32Array): Batch {
  const weight = part.reduce((sum, i) => sum + targetsOf(windows[i] as Window), 0);
  return { ...source.collate(part), weight };
}

function* partsOf(
  batches: readonly Int32Array[],
  source: BatchSource,
  windows: readonly Window[],
  limits: PartLimits,
): Iterable<readonly Batch[]> {
  for (const batch of batches)
    yield splitBatch(batch, source, limits).map((part) => partOf(source, windows, part));
}

/** Mean next-token loss over windows, with the parameters as they are. */
class JudgedLoss {
  readonly #session: Session;
  readonly #loss: string;
  readonly #batches: readonly Batch[];

  private constructor(session: Session, loss: string, batches: readonly Batch[]) {
    this.#session = session;
    this.#loss = loss;
    this.#batches = batches;
  }

  static async create(
    network: Network,
    windows: readonly Window[],
    vocabulary: Vocabulary,
    trainer: Trainer,
    threads: number,
  ): Promise<JudgedLoss> {
    const { graph, loss } = lossGraph(network, false);
    const session = await Session.create(toOnnx(graph, [loss]), { threads });
    for (const { name } of graph.parameters) session.hold(name, trainer.state.parameter(name));
    const source = windowSource(windows, vocabulary, { standing: network.standing === true });
    const all = Int32Array.from(windows, (_, i) => i);
    const byLength = all.sort((a, b) => source.lengthOf(b) - source.lengthOf(a));
    const parts = splitBatch(byLength, source, limitsOf(network));
    const batches = parts.map((part) => partOf(source, windows, part));
    return new JudgedLoss(session, loss.name, batches);
  }

  /** NaN where there is nothing to predict. */
  async score(): Promise<TuningScore> {
    let sum = 0;
    let weight = 0;
    for (const batch of this.#batches) {
      const feeds = { ...batch.feeds, [TOTAL_WEIGHT]: Float32Array.of(1) };
      const results = await this.#session.run(feeds, batch.dims);
      sum += results.get(this.#loss)?.[0] as number;
      weight += batch.weight;
    }
    return { value: -sum / weight, name: "negative_loss" };
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

export interface TrainingInputs {
  readonly network: Network;
  readonly vocabulary: Vocabulary;
  readonly subjects: readonly Subject[];
  readonly hyperparameters: typeof TRAINING_DEFAULTS;
}

/** Trains, and leaves the parameters of the best epoch in the trainer's state. */
async function run(
  trainer: Trainer,
  inputs: TrainingInputs,
  context: FitContext,
): Promise<TrainingSummary> {
  const { network, vocabulary, subjects, hyperparameters: h } = inputs;
  const longest = network.context - LEADING;
  const shuffle = context.random.derive("shuffle");
  const cut = (of: readonly Subject[], random: Random) => cutWindows(of, longest, random);
  const { fitted, judged } = setAside(subjects, context.random.derive("judged"));
  const windows = cut(judged, shuffle.derive("judged"));
  const loss = await JudgedLoss.create(network, windows, vocabulary, trainer, context.threads);
  const perEpoch = Math.ceil(cut(fitted, shuffle.derive(1)).length / h.batchSize);
  const steps = perEpoch * context.training.epochs;
  const { learningRate, weightDecay, clipNorm, epsilon } = h;
  try {
    return await fit({
      trainer,
      optimizer: { ...OPTIMIZER_DEFAULTS, b2: B2, learningRate, weightDecay, clipNorm, epsilon },
      schedule: makeSchedule(h.schedule, Math.round(h.warmup * steps), steps),
      averaging: h.averaging,
      epochs: context.training.epochs,
      patience: context.training.patience,
      batches: (epoch) => {
        const random = shuffle.derive(epoch);
        const windows = cut(fitted, random);
        const source = windowSource(windows, vocabulary, network);
        const batches = mixedBatches(source, h.batchSize, random.derive("order"));
        const parts = partsOf(batches, source, windows, limitsOf(network));
        return { steps: batches.length, batches: parts };
      },
      evaluate: () => loss.score(),
      report: context.report,
      signal: context.signal,
      ...checkpointSlot(context, "train"),
    });
  } finally {
    await loss.release();
  }
}

export interface Trained {
  readonly summary: TrainingSummary;
  readonly parameters: ReadonlyMap<string, Float32Array>;
}

export async function train(inputs: TrainingInputs, context: FitContext): Promise<Trained> {
  const { graph, loss } = lossGraph(inputs.network, true);
  const { random, threads } = context;
  const trainer = await Trainer.create({ graph, loss, random, threads });
  try {
    const summary = await run(trainer, inputs, context);
    return { summary, parameters: trainer.state.exportParameters() };
  } finally {
    await trainer.release();
  }
}
