/**
 * The training loops: batches in, trained parameters out. `fit` keeps those that did best on the tuning
 * split, `pretrain` the last. Both keep a checkpoint after each epoch, where there is a place for one, and
 * go on from it bit for bit.
 */
import { setImmediate as breathe } from "node:timers/promises";
import { BenchError } from "../core/errors.ts";
import type { EpochReport, TrainingSummary, TuningScore } from "../core/model.ts";
import { ParameterAverage } from "./average.ts";
import type { CheckpointSlot } from "./checkpoint.ts";
import { bestOfEpochs, keep, resume } from "./epochs.ts";
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
    await breathe(); // lets timers and signals in: a run of the runtime never does by itself
  }
  signal.throwIfAborted();
  return sum / Math.max(1, step);
}

/**
 * Trains until the epochs are used up or the tuning score has not improved for `patience` epochs, then
 * puts the parameters of the best epoch back into the trainer's state.
 * @throws BenchError when the loss is not finite; the signal's reason when it is aborted.
 */
export async function fit(options: FitOptions): Promise<TrainingSummary> {
  const { state } = options.trainer;
  const average = new ParameterAverage(state, options.averaging);
  const { epochs, patience, trainer, checkpoint } = options;
  const run = async (epoch: number) => {
    const loss = await runEpoch(options, epoch, average);
    const { score, parameters } = await average.during(async () => ({
      score: await options.evaluate(),
      parameters: state.copyParameters(),
    }));
    return { loss, score, parameters: () => parameters };
  };
  const { best, summary } = await bestOfEpochs({
    epochs,
    patience,
    checkpoint,
    trained: trainer,
    run,
  });
  state.setParameters(best.parameters);
  return { ...summary, parameters: state.parameterCount };
}

/**
 * Trains for a fixed number of epochs, and leaves the last parameters in the trainer's state.
 * @returns the mean loss of each epoch
 * @throws BenchError when the loss is not finite; the signal's reason when it is aborted.
 */
export async function pretrain(options: StageOptions): Promise<readonly number[]> {
  const { checkpoint, trainer } = options;
  const curve = [...((await resume(checkpoint, trainer))?.curve ?? [])];
  while (curve.length < options.epochs) {
    const epoch = curve.length + 1;
    const loss = await runEpoch(options, epoch);
    curve.push({ epoch, train_loss: loss, tuning_score: Number.NaN });
    await keep(checkpoint, trainer, curve);
  }
  return curve.map(({ train_loss }) => train_loss);
}
