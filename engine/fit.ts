/**
 * The training loops: batches in, trained parameters out. `fit` keeps those that did best on the tuning
 * split, `pretrain` the last. Both keep a checkpoint after each epoch, where there is a place for one, and
 * go on from it bit for bit.
 */
import { BenchError } from "../core/errors.ts";
import type { EpochReport, EpochSummary, TrainingSummary, TuningScore } from "../core/model.ts";
import { ParameterAverage } from "./average.ts";
import {
  type BestEpoch,
  type CheckpointSlot,
  decodeProgress,
  encodeProgress,
  type Progress,
} from "./checkpoint.ts";
import type { OptimizerOptions, Schedule } from "./optimizer.ts";
import type { Batch, Trainer } from "./trainer.ts";

/** An epoch's batches, each as the parts it is run in. */
export interface EpochBatches {
  readonly steps: number;
  readonly batches: Iterable<readonly Batch[]>;
}

/** What every stage of training needs. */
export interface StageOptions {
  /** Named in errors; `train` when left out. */
  readonly stage?: string;
  readonly trainer: Trainer;
  readonly optimizer: OptimizerOptions;
  readonly schedule: Schedule;
  /** Upper bound on epochs. */
  readonly epochs: number;
  /** The batches of an epoch, counted from 1. */
  readonly batches: (epoch: number) => EpochBatches;
  readonly report: (progress: EpochReport) => void;
  readonly signal: AbortSignal;
  /** Left out: nothing is kept. */
  readonly checkpoint?: CheckpointSlot;
}

export interface FitOptions extends StageOptions {
  /** Epochs without a better score before training stops. */
  readonly patience: number;
  /** Decay per step of the averaged parameters that are scored and kept; 0 scores the current ones. */
  readonly averaging: number;
  /** Scores the current parameters on the tuning split; higher is better. */
  readonly evaluate: () => Promise<TuningScore>;
}

/** Lets timers and signals in: a run of the runtime never does by itself. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function checkLoss(loss: number, stage: string, epoch: number, step: number): void {
  if (Number.isFinite(loss)) return;
  throw new BenchError({
    what: `the training loss became ${loss}`,
    where: `${stage}, epoch ${epoch}, step ${step}`,
    fix: "lower the learning rate (--set learningRate=...) or look for extreme values in the inputs",
  });
}

/** One pass over the training samples. Returns the mean loss over its steps. */
async function runEpoch(
  options: StageOptions,
  epoch: number,
  average?: ParameterAverage,
): Promise<number> {
  const { trainer, optimizer, schedule, signal } = options;
  const { steps, batches } = options.batches(epoch);
  let sum = 0;
  let step = 0;
  for (const parts of batches) {
    signal.throwIfAborted();
    const { loss } = await trainer.step(parts, optimizer, schedule(trainer.state.step));
    step += 1;
    checkLoss(loss, options.stage ?? "train", epoch, step);
    average?.update();
    sum += loss;
    options.report({ epoch, epochs: options.epochs, step, steps, loss });
    await breathe();
  }
  signal.throwIfAborted();
  return sum / Math.max(1, step);
}

/** Whether a score beats the best so far; one that is not a number beats nothing and is beaten by any. */
function isBetter(score: number, best: number): boolean {
  return score > best || (Number.isNaN(best) && !Number.isNaN(score));
}

/** What an interrupted run of this stage had done; undefined when there is nothing to go on from. */
async function resume({ checkpoint, trainer }: StageOptions): Promise<Progress | undefined> {
  const bytes = await checkpoint?.load();
  const progress = bytes === undefined ? undefined : decodeProgress(bytes);
  return progress !== undefined && trainer.restore(progress.trainer) ? progress : undefined;
}

async function keep(
  { checkpoint, trainer }: StageOptions,
  curve: readonly EpochSummary[],
  best?: BestEpoch,
): Promise<void> {
  if (checkpoint === undefined) return;
  const progress = { trainer: trainer.checkpoint(), curve };
  await checkpoint.save(encodeProgress(best === undefined ? progress : { ...progress, best }));
}

/**
 * Trains until the epochs are used up or the tuning score has not improved for `patience` epochs, then
 * puts the parameters of the best epoch back into the trainer's state.
 * @throws BenchError when the loss is not finite; the signal's reason when it is aborted.
 */
export async function fit(options: FitOptions): Promise<TrainingSummary> {
  const { state } = options.trainer;
  const average = new ParameterAverage(state, options.averaging);
  const before = await resume(options);
  const curve: EpochSummary[] = [...(before?.curve ?? [])];
  let best: BestEpoch | undefined = before?.best;
  const isPatienceOver = () => best !== undefined && curve.length - best.epoch >= options.patience;
  while (curve.length < options.epochs && !isPatienceOver()) {
    const epoch = curve.length + 1;
    const loss = await runEpoch(options, epoch, average);
    const { score, parameters } = await average.during(async () => ({
      score: await options.evaluate(),
      parameters: state.copyParameters(),
    }));
    curve.push({ epoch, train_loss: loss, tuning_score: score.value });
    if (best === undefined || isBetter(score.value, best.score.value))
      best = { epoch, score, parameters };
    await keep(options, curve, best);
  }
  if (best === undefined)
    throw new BenchError({
      what: `training was asked for ${options.epochs} epochs`,
      fix: "ask for at least one",
      exitCode: 2,
    });
  state.setParameters(best.parameters);
  return {
    epochs: curve.length,
    best_epoch: best.epoch,
    stopped_by: isPatienceOver() ? "patience" : "epochs",
    selected_on: best.score.name,
    curve,
    parameters: state.parameterCount,
  };
}

/**
 * Trains for a fixed number of epochs, and leaves the last parameters in the trainer's state.
 * @returns the mean loss of each epoch
 * @throws BenchError when the loss is not finite; the signal's reason when it is aborted.
 */
export async function pretrain(options: StageOptions): Promise<readonly number[]> {
  const curve = [...((await resume(options))?.curve ?? [])];
  while (curve.length < options.epochs) {
    const epoch = curve.length + 1;
    const loss = await runEpoch(options, epoch);
    curve.push({ epoch, train_loss: loss, tuning_score: Number.NaN });
    await keep(options, curve);
  }
  return curve.map(({ train_loss }) => train_loss);
}
