/**
 * Fits along a path of penalties, from strong to weak, each to convergence and from where the one before ended. Where
 * a training loop has epochs, this has penalties: each is scored on the tuning split, the best is kept, and the path
 * ends early when `patience` of them did no better.
 *
 * Classes of a multilabel task are fitted one by one, eight of them beside each other (`strips.ts`); those that
 * exclude each other together.
 */
import { setImmediate as breathe } from "node:timers/promises";
import { BenchError } from "../../core/errors.ts";
import type { FitContext, TrainingSummary } from "../../core/model.ts";
import { bestOfEpochs, type Resumable } from "../../engine/epochs.ts";
import type { TrainerCheckpoint } from "../../engine/trainer.ts";
import { checkpointSlot } from "../model-graphs.ts";
import {
  type Design,
  designOf,
  labelsOf,
  type Standard,
  standardise,
  standardOf,
} from "./design.ts";
import { minimise } from "./lbfgs.ts";
import { type Block, objectiveOf, type Penalty, penaltyAt, predictBlock } from "./objective.ts";
import { diagonalOf, startOf } from "./start.ts";
import { STRIP } from "./strips.ts";

export interface PathOptions {
  /** The ends of the path of C, the inverse strength of the penalty. */
  readonly smallestC: number;
  readonly largestC: number;
  /** Penalty of the profile's weights, as a share of the codes'. */
  readonly profilePenalty: number;
  /** Expected gain per sample and class, in nats, below which a fit has converged. */
  readonly tolerance: number;
}

/** A fitted path. */
export interface PathFit {
  readonly summary: Omit<TrainingSummary, "parameters">;
  readonly blocks: readonly Block[];
  /** Parameters of the chosen penalty, block by block, as in `objective.ts`; for a standardised profile. */
  readonly chosen: readonly Float32Array[];
  readonly standard: Standard;
}

/** Raised when a checkpoint of an older path would lead elsewhere. */
const CHECKPOINT = "logistic path 1";
/** Iterations in which every fit of sensible settings converges many times over. */
const MOST_ITERATIONS = 1000;

/** C of an epoch, counted from 1: the middles of `epochs` equal steps from the smallest to the largest, in the logarithm. */
export function inverseOf(epoch: number, epochs: number, options: PathOptions): number {
  const { smallestC, largestC } = options;
  return smallestC * (largestC / smallestC) ** ((epoch - 0.5) / epochs);
}

/** Strips of classes, or all of them where they exclude each other. */
export function blocksOf({ labels }: FitContext): Block[] {
  const classes = labels.classes.length;
  const isExclusive = labels.kind === "multiclass";
  const most = isExclusive ? classes : STRIP;
  return Array.from({ length: Math.ceil(classes / most) }, (_, b) => {
    const first = b * most;
    return { first, count: Math.min(most, classes - first), classes, isExclusive };
  });
}

class PathFitter implements Resumable {
  readonly blocks: readonly Block[];
  readonly standard: Standard;
  readonly #context: FitContext;
  readonly #options: PathOptions;
  readonly #train: Design;
  readonly #tuning: Design;
  readonly #y: Uint8Array;
  readonly #x: readonly Float64Array[];

  constructor(context: FitContext, options: PathOptions) {
    this.#context = context;
    this.#options = options;
    this.blocks = blocksOf(context);
    this.#train = designOf(context.train, context.tokenizer);
    this.#tuning = designOf(context.tuning, context.tokenizer);
    this.standard = standardOf(this.#train);
    standardise(this.#train, this.standard);
    standardise(this.#tuning, this.standard);
    this.#y = labelsOf(context.train);
    this.#x = this.blocks.map((block) => startOf(this.#train, this.#y, block));
  }

  /** Fits all blocks under one penalty. Returns the mean loss over samples and classes, without the penalty. */
  async fit(epoch: number): Promise<number> {
    const { training, report } = this.#context;
    const inverse = inverseOf(epoch, training.epochs, this.#options);
    const penalty = { inverse, profileShare: this.#options.profilePenalty };
    let sum = 0;
    for (const [b, block] of this.blocks.entries()) {
      sum += await this.#fitBlock(block, this.#x[b] as Float64Array, penalty);
      const seen = block.first + block.count;
      const loss = block.isExclusive ? sum : sum / seen;
      const steps = this.blocks.length;
      report({ epoch, epochs: training.epochs, step: b + 1, steps, loss });
      this.#context.signal.throwIfAborted();
    }
    return this.blocks[0]?.isExclusive === true ? sum : sum / this.#context.labels.classes.length;
  }

  /** Moves x to the minimum. Returns the loss there, summed over the block's classes. */
  async #fitBlock(block: Block, x: Float64Array, penalty: Penalty): Promise<number> {
    const iterations = minimise({
      x,
      evaluate: objectiveOf(this.#train, this.#y, block, penalty),
      diagonal: diagonalOf(this.#train, this.#y, block, penalty),
      tolerance: this.#options.tolerance * (block.isExclusive ? 1 : block.count),
      maxIterations: MOST_ITERATIONS,
    });
    let state = iterations.next();
    while (state.done !== true) {
      await breathe();
      this.#context.signal.throwIfAborted();
      state = iterations.next();
    }
    const { value, stoppedBy } = state.value;
    if (stoppedBy === "not-finite" || stoppedBy === "iterations")
      throw new BenchError({
        what:
          stoppedBy === "iterations"
            ? `the fit did not converge in ${MOST_ITERATIONS} iterations`
            : `the training loss became ${value}`,
        where: `train, C = ${penalty.inverse}`,
        fix: "lower the largest C (--set largestC=...) or look for extreme values in the inputs",
      });
    return value - penaltyAt(this.#train, penalty, x);
  }

  score() {
    const all = new Float32Array(this.#tuning.size * this.#context.labels.classes.length);
    for (const [b, block] of this.blocks.entries())
      predictBlock(this.#tuning, block, this.#x[b] as Float64Array, all);
    return this.#context.score(all);
  }

  /** Parameters of all blocks, one after another. */
  parameters(): Float32Array {
    return Float32Array.from(this.#all());
  }

  #all(): Float64Array {
    const all = new Float64Array(this.#x.reduce((sum, x) => sum + x.length, 0));
    let at = 0;
    for (const x of this.#x) {
      all.set(x, at);
      at += x.length;
    }
    return all;
  }

  /** The parameters of each block among all. */
  split(all: Float32Array): Float32Array[] {
    let at = 0;
    return this.#x.map((x) => {
      at += x.length;
      return all.subarray(at - x.length, at);
    });
  }

  /** The curve kept beside it says how far the path was gone; there are no steps. */
  checkpoint(): TrainerCheckpoint {
    return {
      operations: CHECKPOINT,
      pools: [],
      step: 0,
      bytes: new Uint8Array(this.#all().buffer),
    };
  }

  restore({ operations, bytes }: TrainerCheckpoint): boolean {
    if (
      operations !== CHECKPOINT ||
      bytes.length !== 8 * this.#x.reduce((sum, x) => sum + x.length, 0)
    )
      return false;
    const all = new Float64Array(bytes.slice().buffer);
    let at = 0;
    for (const x of this.#x) {
      x.set(all.subarray(at, at + x.length));
      at += x.length;
    }
    return true;
  }
}

/** @throws BenchError where a fit does not converge; the signal's reason when it is aborted. */
export async function fitPath(context: FitContext, options: PathOptions): Promise<PathFit> {
  const fitter = new PathFitter(context, options);
  const { epochs, patience } = context.training;
  const { best, summary } = await bestOfEpochs({
    epochs,
    patience,
    ...checkpointSlot(context, "train"),
    trained: fitter,
    run: async (epoch) => ({
      loss: await fitter.fit(epoch),
      score: fitter.score(),
      parameters: () => fitter.parameters(),
    }),
  });
  const { blocks, standard } = fitter;
  return { summary, blocks, chosen: fitter.split(best.parameters), standard };
}
