/** What `run --dry-run` shows: the resolved plan and its cohort, without training. */
import type { EventStore } from "../core/event-store.ts";
import { showCount } from "../core/privacy.ts";
import { classCounts, labelCounts } from "./labels.ts";
import { table } from "./output.ts";
import type { Prepared } from "./prepare.ts";
import type { Progress } from "./progress.ts";
import type { SplitSummary } from "./record.ts";
import { prepareStage, type RunPlan } from "./run.ts";
import { type Cell, type Counted, maskCohort } from "./small-counts.ts";

type Cohort = Counted["cohort"];
type SplitName = keyof Cohort["splits"];
export type DryRun = Awaited<ReturnType<typeof dryRun>>;

function splitsOf(prepared: Prepared): Cohort["splits"] {
  const entries = labelCounts(prepared.labels).map((counts): [string, SplitSummary] => {
    const { truncation } = prepared.sources[counts.split];
    return [
      counts.split,
      {
        subjects: counts.subjects,
        samples: counts.samples,
        classes: classCounts(prepared.labels, counts),
        history: {
          samples_cut: truncation.samples,
          codes_cut: truncation.codes,
          unknown_codes_share: null, // no tokenizer was fitted
        },
      },
    ];
  });
  return Object.fromEntries(entries) as unknown as Cohort["splits"];
}

/** The plan with every default filled in, and the cohort; counts of real subjects masked as in a record. */
export async function dryRun(store: EventStore, plan: RunPlan, progress: Progress) {
  const { prepared, steps } = await prepareStage(store, plan, progress);
  const { info } = store;
  const cohort = { steps: [...steps], splits: splitsOf(prepared) };
  const isExclusive = prepared.labels.spec.kind === "multiclass";
  const shown =
    info.source === "real"
      ? maskCohort({ cohort, data: { subjects: info.subjects, visits: info.visits } }, isExclusive)
      : cohort;
  return {
    dataset: info.dataset,
    source: info.source,
    fingerprint: info.fingerprint,
    task: plan.task.name,
    task_options: plan.taskOptions,
    protocol: plan.protocol,
    flaws: plan.flaws,
    model: plan.model.name,
    hyperparameters: plan.hyperparameters,
    tokenizer: plan.tokenizer.name,
    tokenizer_options: plan.tokenizerOptions,
    pretrain_epochs: plan.pretrainEpochs,
    seeds: plan.seeds,
    epochs: plan.epochs,
    patience: plan.patience,
    ...shown,
  };
}

const cell = (value: Cell) => (typeof value === "number" ? showCount(value) : value);

const settings = (values: Readonly<Record<string, unknown>>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");

/** The same for people. */
export function dryRunSummary(outlook: DryRun): string {
  const { splits } = outlook;
  const names = Object.keys(splits) as SplitName[];
  const lines = [
    `${outlook.dataset} ${outlook.task}, ${outlook.model} with ${outlook.tokenizer} tokenizer, seeds ${outlook.seeds.join(",")} (source: ${outlook.source})`,
    `protocol ${outlook.protocol}${outlook.flaws.length === 0 ? "" : `, flaws: ${outlook.flaws.join(", ")}`}`,
    `at most ${outlook.epochs} epochs, patience ${outlook.patience}`,
    `model: ${settings(outlook.hyperparameters)}`,
    ...[
      ["task", outlook.task_options],
      ["tokenizer", outlook.tokenizer_options],
    ].flatMap(([what, values]) => {
      const text = settings(values as Readonly<Record<string, unknown>>);
      return text === "" ? [] : [`${what as string}: ${text}`];
    }),
  ];
  const steps = table(
    ["step", "samples left"],
    outlook.steps.map(({ step, samples }) => [step, cell(samples)]),
    [1],
  );
  const row = (head: string, of: (split: SplitSummary) => Cell) => [
    head,
    ...names.map((name) => cell(of(splits[name]))),
  ];
  const classes = splits.train.classes.map((c) => c.class);
  const rows = [
    row("subjects", (split) => split.subjects),
    row("samples", (split) => split.samples),
    ...classes.map((name, c) => row(name, (split) => split.classes[c]?.positives ?? 0)),
  ];
  const counts = table(
    ["", ...names],
    rows,
    names.map((_, i) => i + 1),
  );
  return [lines.join("\n"), steps, counts, "nothing was trained"].join("\n\n");
}
