/** One seed: tokenizer, model, thresholds on tuning, and the only look at the held-out split. */
import type {
  FittedModel,
  Hyperparameters,
  ModelDefinition,
  TrainingSummary,
} from "../core/model.ts";
import { Random } from "../core/random.ts";
import type { Tokenizer, TokenizerDefinition } from "../core/tokenizer.ts";
import { chooseThresholds, evaluate, type MetricTable, tuningScore } from "../metrics/index.ts";
import { interruptSignal } from "./interrupt.ts";
import type { Prepared } from "./prepare.ts";
import type { Progress } from "./progress.ts";
import type { SplitSource } from "./samples.ts";
import type { Stopwatch } from "./stopwatch.ts";

export interface SeedPlan {
  readonly model: ModelDefinition;
  readonly hyperparameters: Hyperparameters;
  readonly tokenizer: TokenizerDefinition;
  readonly epochs: number;
  readonly patience: number;
  readonly bootstrapDraws: number;
  readonly threads: number;
  readonly seed: number;
}

export interface SeedOutcome {
  readonly tokenizer: Tokenizer;
  readonly training: TrainingSummary;
  readonly metrics: MetricTable;
  /** Probabilities, row-major [S × C], of the two splits that are kept in the private cache. */
  readonly probabilities: { readonly tuning: Float32Array; readonly held_out: Float32Array };
}

export async function trainAndScore(
  prepared: Prepared,
  plan: SeedPlan,
  progress: Progress,
  watch: Stopwatch,
): Promise<SeedOutcome> {
  const random = Random.fromSeed(plan.seed);
  const tokenizer = await watch.time("tokenizer", () =>
    plan.tokenizer.fit({
      codes: prepared.codes,
      trainSubjects: prepared.trainSubjects,
      random: random.derive("tokenizer"),
    }),
  );
  const fitted = await watch.time("train", () => fit(prepared, plan, tokenizer, random, progress));
  try {
    return await watch.time("evaluate", async () => {
      progress.start("evaluate");
      const outcome = await score(prepared, plan, fitted, random);
      progress.end();
      return { tokenizer, training: fitted.summary, ...outcome };
    });
  } finally {
    await fitted.dispose();
  }
}

async function fit(
  { labels, sources }: Prepared,
  plan: SeedPlan,
  tokenizer: Tokenizer,
  random: Random,
  progress: Progress,
): Promise<FittedModel> {
  const truth = labelMatrix(sources.tuning);
  progress.start(`train ${plan.model.name}, seed ${plan.seed}`, 0, "steps");
  const fitted = await plan.model.fit(
    {
      train: sources.train,
      tuning: sources.tuning,
      labels: labels.spec,
      tokenizer,
      training: { epochs: plan.epochs, patience: plan.patience },
      random,
      threads: plan.threads,
      score: (probabilities) => tuningScore(labels.spec, truth, probabilities),
      report: ({ epoch, step, steps, loss }) => {
        progress.update(
          (epoch - 1) * steps + step,
          `epoch ${epoch}, loss ${loss.toFixed(4)}`,
          plan.epochs * steps,
        );
      },
      signal: interruptSignal,
    },
    plan.hyperparameters,
  );
  const { summary } = fitted;
  progress.end(`best epoch ${summary.best_epoch} of ${summary.epochs}`);
  return fitted;
}

async function score(
  { labels, sources }: Prepared,
  plan: SeedPlan,
  fitted: FittedModel,
  random: Random,
) {
  const { spec } = labels;
  const tuning = await fitted.predict(sources.tuning);
  const thresholds = chooseThresholds(spec, labelMatrix(sources.tuning), tuning);
  const heldOut = await fitted.predict(sources.held_out);
  const metrics = evaluate({
    spec,
    labels: labelMatrix(sources.held_out),
    probabilities: heldOut,
    subjects: Float64Array.from(sources.held_out.samples, (i) => labels.subject[i] as number),
    thresholds,
    random: random.derive("bootstrap"),
    draws: plan.bootstrapDraws,
  });
  return { metrics, probabilities: { tuning, held_out: heldOut } };
}

/** Labels of one split, row-major [S × C]. */
export function labelMatrix(source: SplitSource): Uint8Array {
  const classes = source.labelSpec.classes.length;
  const matrix = new Uint8Array(source.size * classes);
  for (let sample = 0; sample < source.size; sample++)
    matrix.set(source.label(sample), sample * classes);
  return matrix;
}
