/** One seed: tokenizer, model, thresholds on tuning, and the only look at the held-out split. */
import { join } from "node:path";
import type { GivenKnowledge } from "../core/knowledge.ts";
import type { LabelSpec } from "../core/label.ts";
import type {
  Checkpoints,
  FittedModel,
  Hyperparameters,
  ModelDefinition,
  TrainingSummary,
} from "../core/model.ts";
import { Random } from "../core/random.ts";
import type { Outcome, TaskDefinition, TaskOptions } from "../core/task.ts";
import type { Tokenizer, TokenizerDefinition } from "../core/tokenizer.ts";
import { areDrugClasses, classInteractions } from "../ehr-models/interactions.ts";
import {
  asThePaperDoes,
  chooseThresholds,
  evaluate,
  type MetricTable,
  tuningScore,
} from "../metrics/index.ts";
import { privateFolder } from "./cache.ts";
import { coOccurrence } from "./co-occurrence.ts";
import { interruptSignal } from "./interrupt.ts";
import { flawedScore, PAPER_BATCH } from "./paper.ts";
import type { Prepared } from "./prepare.ts";
import { type Progress, StageProgress } from "./progress.ts";
import { checkedFlaws, type ProtocolPlan } from "./protocol.ts";
import type { SplitSource } from "./samples.ts";
import type { Stopwatch } from "./stopwatch.ts";

export interface SeedPlan extends ProtocolPlan {
  readonly task: TaskDefinition;
  readonly taskOptions: TaskOptions;
  readonly model: ModelDefinition;
  readonly hyperparameters: Hyperparameters;
  /** Paths of the extra files given for the model, by name. */
  readonly modelFiles: Readonly<Record<string, string>>;
  readonly tokenizer: TokenizerDefinition;
  readonly tokenizerOptions: Hyperparameters;
  readonly tokenizerDir: string | null;
  /** What the tokenizer's extra files say; undefined without any. */
  readonly given?: GivenKnowledge | undefined;
  readonly epochs: number;
  readonly patience: number;
  /** Null for the model's own default. */
  readonly pretrainEpochs: number | null;
  readonly cacheDir: string;
  readonly bootstrapDraws: number;
  readonly threads: number;
  readonly seed: number;
  /** The place of the run's checkpoints, once its tokenizer is known; left out: none are kept. */
  readonly checkpointsOf?: (tokenizer: Tokenizer) => Checkpoints;
  /** Told of the fitted model before it is disposed of. */
  readonly keep?: (fitted: FittedModel, tokenizer: Tokenizer) => Promise<void>;
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
    fitTokenizer(prepared, plan, random, progress),
  );
  const fitted = await watch.time("train", () => fit(prepared, plan, tokenizer, random, progress));
  try {
    return await watch.time("evaluate", async () => {
      progress.start("evaluate");
      const outcome = await score(prepared, plan, fitted, random);
      progress.end();
      await plan.keep?.(fitted, tokenizer);
      return { tokenizer, training: fitted.summary, ...outcome };
    });
  } finally {
    await fitted.dispose();
  }
}

async function fitTokenizer(
  prepared: Prepared,
  plan: SeedPlan,
  random: Random,
  progress: Progress,
): Promise<Tokenizer> {
  let stage = "";
  const tokenizer = await plan.tokenizer.fit({
    codes: prepared.codes,
    trainSubjects: prepared.trainSubjects,
    coOccurrence: (most) => coOccurrence(prepared.sources.train, most),
    options: plan.tokenizerOptions,
    directory: plan.tokenizerDir,
    ...(plan.given && { given: plan.given }),
    cacheFolder: privateFolder(join(plan.cacheDir, "tokenizers")),
    threads: plan.threads,
    random: random.derive("tokenizer"),
    report: (name, done, total) => {
      if (name !== stage) progress.start(`${plan.tokenizer.name}: ${name}`, total);
      stage = name;
      progress.update(done, "", total);
    },
    signal: interruptSignal,
  });
  if (stage !== "") progress.end();
  return tokenizer;
}

async function fit(
  prepared: Prepared,
  plan: SeedPlan,
  tokenizer: Tokenizer,
  random: Random,
  progress: Progress,
): Promise<FittedModel> {
  const { labels, sources } = prepared;
  const truth = labelMatrix(sources.tuning);
  const stages = new StageProgress(progress, `${plan.model.name}, seed ${plan.seed}`);
  const fitted = await plan.model.fit(
    {
      train: sources.train,
      tuning: sources.tuning,
      labels: labels.spec,
      outcome: outcomeOf(plan, labels.spec),
      codes: prepared.codes,
      timelines: prepared.wholeTimelines,
      files: plan.modelFiles,
      tokenizer,
      ...(plan.checkpointsOf && { checkpoints: plan.checkpointsOf(tokenizer) }),
      training: {
        epochs: plan.epochs,
        patience: plan.patience,
        pretrainEpochs: plan.pretrainEpochs,
      },
      random,
      threads: plan.threads,
      score: flawedScore(checkedFlaws(plan), labels.spec.classes.length, (probabilities) =>
        tuningScore(labels.spec, truth, probabilities),
      ),
      report: (now) => stages.report(now),
      signal: interruptSignal,
    },
    plan.hyperparameters,
  );
  const { summary } = fitted;
  stages.end(`best epoch ${summary.best_epoch} of ${summary.epochs}`);
  return fitted;
}

/** None where a flaw has dropped classes: the outcome's would be others. */
function outcomeOf({ task, taskOptions }: SeedPlan, spec: LabelSpec): Outcome | null {
  const outcome = task.outcome?.(taskOptions) ?? null;
  return outcome?.classes.length === spec.classes.length ? outcome : null;
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
  const input = {
    spec,
    labels: labelMatrix(sources.held_out),
    probabilities: heldOut,
    subjects: Float64Array.from(sources.held_out.samples, (i) => labels.subject[i] as number),
    thresholds,
    ...interactionsOf(plan, spec),
    random: random.derive("bootstrap"),
    draws: plan.bootstrapDraws,
  };
  const flaws = checkedFlaws(plan);
  const how = {
    batch: flaws.has("batch-averaged-metrics") ? PAPER_BATCH : null,
    micro: flaws.has("micro-average"),
  };
  const asPaper = how.batch !== null || how.micro;
  const honest = evaluate(input);
  const metrics = asPaper ? asThePaperDoes(input, honest, how) : honest;
  return { metrics, probabilities: { tuning, held_out: heldOut } };
}

/** Where a model was given drug interactions and predicts classes of drugs, its sets are scored by them too. */
function interactionsOf({ modelFiles }: SeedPlan, spec: LabelSpec) {
  const file = modelFiles["ddi"];
  if (file === undefined || !areDrugClasses(spec)) return {};
  return { interactions: classInteractions(file, spec.classCodes ?? []) };
}

/** Labels of one split, row-major [S × C]. */
export function labelMatrix(source: SplitSource): Uint8Array {
  const classes = source.labelSpec.classes.length;
  const matrix = new Uint8Array(source.size * classes);
  for (let sample = 0; sample < source.size; sample++)
    matrix.set(source.label(sample), sample * classes);
  return matrix;
}
