/**
 * Epochs until there are enough of them: each is scored on the tuning split, the best is kept, and what is done is
 * kept after each, where there is a place for it. What an epoch does is the caller's.
 */
import { BenchError } from "../core/errors.ts";
import type { EpochSummary, TrainingSummary, TuningScore } from "../core/model.ts";
import {
  type BestEpoch,
  type CheckpointSlot,
  decodeProgress,
  encodeProgress,
  type Progress,
} from "./checkpoint.ts";
import type { TrainerCheckpoint } from "./trainer.ts";

/** What is trained, as it can be kept and taken up again. */
export interface Resumable {
  checkpoint(): TrainerCheckpoint;
  /** Returns false, and changes nothing, for a checkpoint of something else. */
  restore(checkpoint: TrainerCheckpoint): boolean;
}

/** What an interrupted run of this stage had done; undefined when there is nothing to go on from. */
export async function resume(
  slot: CheckpointSlot | undefined,
  trained: Resumable,
): Promise<Progress | undefined> {
  const bytes = await slot?.load();
  const progress = bytes === undefined ? undefined : decodeProgress(bytes);
  return progress !== undefined && trained.restore(progress.trainer) ? progress : undefined;
}

/** Keeps what is done. Without a slot no bytes are made. */
export async function keep(
  slot: CheckpointSlot | undefined,
  trained: Resumable,
  curve: readonly EpochSummary[],
  best?: BestEpoch,
): Promise<void> {
  if (slot === undefined) return;
  const progress = { trainer: trained.checkpoint(), curve };
  await slot.save(encodeProgress(best === undefined ? progress : { ...progress, best }));
}

/** Whether a score beats the best so far; one that is not a number beats nothing and is beaten by any. */
function isBetter(score: number, best: number): boolean {
  return score > best || (Number.isNaN(best) && !Number.isNaN(score));
}

/** How an epoch went. */
export interface Scored {
  /** Mean training loss. */
  readonly loss: number;
  readonly score: TuningScore;
  /** What was scored, a copy; asked for when it is the best so far. */
  readonly parameters: () => Float32Array;
}

export interface EpochLoop {
  /** Upper bound on epochs. */
  readonly epochs: number;
  /** Epochs without a better score before it stops. */
  readonly patience: number;
  readonly trained: Resumable;
  readonly checkpoint?: CheckpointSlot | undefined;
  /** One epoch, counted from 1. */
  readonly run: (epoch: number) => Promise<Scored>;
}

export interface BestOfEpochs {
  readonly best: BestEpoch;
  readonly summary: Omit<TrainingSummary, "parameters">;
}

/** @throws BenchError for no epochs at all; what `run` throws. */
export async function bestOfEpochs(loop: EpochLoop): Promise<BestOfEpochs> {
  const { epochs, patience, trained, checkpoint } = loop;
  const before = await resume(checkpoint, trained);
  const curve: EpochSummary[] = [...(before?.curve ?? [])];
  let best: BestEpoch | undefined = before?.best;
  const isPatienceOver = () => best !== undefined && curve.length - best.epoch >= patience;
  while (curve.length < epochs && !isPatienceOver()) {
    const epoch = curve.length + 1;
    const { loss, score, parameters } = await loop.run(epoch);
    curve.push({ epoch, train_loss: loss, tuning_score: score.value });
    if (best === undefined || isBetter(score.value, best.score.value))
      best = { epoch, score, parameters: parameters() };
    await keep(checkpoint, trained, curve, best);
  }
  if (best === undefined)
    throw new BenchError({
      what: `training was asked for ${epochs} epochs`,
      fix: "ask for at least one",
      exitCode: 2,
    });
  const summary = {
    epochs: curve.length,
    best_epoch: best.epoch,
    stopped_by: isPatienceOver() ? ("patience" as const) : ("epochs" as const),
    selected_on: best.score.name,
    curve,
  };
  return { best, summary };
}
