/**
 * Keeps counts below 10 about real subjects out of records: the number itself, and whatever would let a
 * reader work it out. A masked cell reads "masked". Sums are known to readers (samples of a split, of the
 * cohort, subjects of the source), so where one cell of a sum is masked, the next smallest is masked
 * too, until what is hidden sums to 10 or more. Zero counts as a small number. Masking twice changes nothing.
 * Not hidden: `training.selected_on`, which tells when tuning has one outcome only.
 */
import { isSmall, SMALLEST_COUNT } from "../core/privacy.ts";
import { MASKED } from "./schema/common.ts";
import type { ResultRecord, SplitSummary } from "./schema/record.ts";

export type Cell = number | typeof MASKED;
/** The counts of a record, or of a report that has the same. */
export interface Counted {
  readonly cohort: ResultRecord["cohort"];
  readonly data: Pick<ResultRecord["data"], "subjects" | "visits">;
}
type Splits = ResultRecord["cohort"]["splits"];
type Steps = ResultRecord["cohort"]["steps"];
type Metrics = ResultRecord["metrics"];
type Metric = Metrics["auprc"];
type Interval = Metric["interval"];

const isMasked = (cell: Cell | null | undefined) => cell === MASKED;
const sum = (cells: readonly Cell[]) =>
  cells.reduce<number>((total, cell) => total + (cell === MASKED ? 0 : cell), 0);
const hideBelow = (cell: Cell): Cell => (cell === MASKED || isSmall(cell) ? MASKED : cell);

/** Whether nothing below 10 follows from the cells that are shown and their total, if that is known. */
function isSafe(cells: readonly Cell[], total: number | null): boolean {
  const masks = cells.filter(isMasked).length;
  if (total === null) return masks !== 1;
  const hidden = total - sum(cells);
  return hidden >= SMALLEST_COUNT || (hidden === 0 && masks === 0);
}

/** Masks small cells, then the smallest of the others until the total gives nothing away. */
export function hideSmall(cells: readonly Cell[], total: number | null): Cell[] {
  const out = cells.map(hideBelow);
  while (!isSafe(out, total)) {
    const shown = out.filter((cell) => cell !== MASKED);
    if (shown.length === 0) break;
    out[out.indexOf(Math.min(...shown))] = MASKED;
  }
  return out;
}

/** A step is shown where at least 10 candidates remain and at least 10 were left out by the time of the next shown one. */
export function maskSteps(steps: Steps, visits: Cell): Steps {
  const out: { step: string; samples: Cell }[] = [];
  let next: number | undefined;
  for (const { step, samples } of steps.toReversed()) {
    const differs = (other: number) => Math.abs((samples as number) - other) >= SMALLEST_COUNT;
    const shown =
      samples !== MASKED &&
      samples >= SMALLEST_COUNT &&
      (next === undefined || differs(next)) &&
      (visits === MASKED || samples === visits || differs(visits));
    if (shown) next = samples;
    out.unshift({ step, samples: shown ? samples : MASKED });
  }
  return out;
}

/** Positives of exclusive classes sum to the samples; otherwise positives and negatives do. */
function maskPositives(split: SplitSummary, samples: Cell, exclusive: boolean): Cell[] {
  const positives = split.classes.map((c) => c.positives);
  if (samples === MASKED) return positives.map(() => MASKED);
  if (exclusive) return hideSmall(positives, samples);
  return positives.map((p) =>
    p === MASKED || samples - p < SMALLEST_COUNT ? MASKED : hideBelow(p),
  );
}

function maskHistory({ history }: SplitSummary, samples: Cell): SplitSummary["history"] {
  const isUnseenTold = history.unseen_codes_share !== undefined; // not in older records
  if (samples === MASKED) {
    return {
      samples_cut: MASKED,
      codes_cut: MASKED,
      unknown_codes_share: MASKED,
      ...(isUnseenTold ? { unseen_codes_share: MASKED } : {}),
    };
  }
  const cut = hideBelow(history.samples_cut);
  const isShown = cut !== MASKED && samples - cut >= SMALLEST_COUNT;
  return {
    samples_cut: isShown ? cut : MASKED,
    codes_cut: isShown ? history.codes_cut : MASKED,
    unknown_codes_share: history.unknown_codes_share,
    ...(isUnseenTold ? { unseen_codes_share: history.unseen_codes_share } : {}),
  };
}

/** The number that the samples of all splits sum to, or that the visits left out would follow from. */
function knownSamples({ cohort, data }: Counted, steps: Steps): number | null {
  const last = steps.at(-1)?.samples;
  if (typeof last === "number") return last;
  if (typeof data.visits === "number" && data.visits >= SMALLEST_COUNT) return data.visits;
  const samples = Object.values(cohort.splits).map((split) => split.samples);
  return samples.some(isMasked) ? null : sum(samples);
}

export function maskSplits(record: Counted, steps: Steps, exclusive: boolean): Splits {
  const { splits } = record.cohort;
  const names = ["train", "tuning", "held_out"] as const;
  const before = names.map((name) => splits[name].samples);
  const samples = hideSmall(before, knownSamples(record, steps));
  const everyone = hideBelow(record.data.subjects);
  const subjects = hideSmall(
    names.map((name) => splits[name].subjects),
    everyone === MASKED ? null : everyone,
  );
  const masked = names.map((name, i): [string, SplitSummary] => {
    const split = splits[name];
    const size = samples[i] as Cell;
    const positives = maskPositives(split, size, exclusive);
    return [
      name,
      {
        subjects: subjects[i] as Cell,
        samples: size,
        classes: split.classes.map((c, k) => ({
          class: c.class,
          positives: positives[k] as Cell,
          prevalence: isMasked(positives[k]) ? MASKED : c.prevalence,
        })),
        history: maskHistory(split, size),
      },
    ];
  });
  return Object.fromEntries(masked) as unknown as Splits;
}

const REASON = "masked: it would tell a small number of positives or negatives";

/** A draw without positives is likely only where few subjects are positive, so its number tells how many. */
function maskInterval(interval: NonNullable<Interval>): NonNullable<Interval> {
  const hide = (draws: Cell) => (draws === 0 ? 0 : MASKED);
  const { incomplete_draws: incomplete } = interval;
  return {
    ...interval,
    undefined_draws: hide(interval.undefined_draws),
    ...(incomplete === undefined ? {} : { incomplete_draws: hide(incomplete) }),
  };
}

/** `isSmall`: a class has few positives or negatives; then the reasons and the prevalence would tell how many. */
function maskMetric(metric: Metric, smallClasses: ReadonlySet<string>): Metric {
  const isSmall = smallClasses.size > 0;
  const { reason, interval_reason, interval, prevalence } = metric;
  return {
    ...metric,
    ...(reason !== undefined && isSmall ? { reason: REASON } : {}),
    ...(interval_reason === undefined ? {} : { interval_reason: REASON }),
    ...(interval === undefined ? {} : { interval: maskInterval(interval) }),
    ...(prevalence !== undefined && isSmall ? { prevalence: MASKED } : {}),
    ...(metric.per_class === undefined
      ? {}
      : {
          per_class: metric.per_class.map((row) =>
            smallClasses.has(row.class)
              ? { class: row.class, value: null, reason: REASON }
              : { ...row, ...(row.interval ? { interval: maskInterval(row.interval) } : {}) },
          ),
        }),
  };
}

function smallClasses(...splits: readonly SplitSummary[]): ReadonlySet<string> {
  return new Set(
    splits.flatMap(({ classes }) =>
      classes.filter((c) => isMasked(c.positives)).map((c) => c.class),
    ),
  );
}

function maskMetrics(metrics: Metrics, splits: Splits, exclusive: boolean): Metrics {
  const scored = smallClasses(splits.held_out);
  // Thresholds for F1 come from tuning, and there are none where it has no positives.
  const cut = exclusive ? scored : smallClasses(splits.held_out, splits.tuning);
  const masked = Object.entries(metrics).map(([name, metric]): [string, Metric] => [
    name,
    maskMetric(metric as Metric, name === "f1" ? cut : scored),
  ]);
  return Object.fromEntries(masked) as unknown as Metrics;
}

/** A cohort as it may leave the private cache. `exclusive`: the classes are, so that their positives sum to the samples. */
export function maskCohort(counted: Counted, exclusive: boolean): Counted["cohort"] {
  const steps = maskSteps(counted.cohort.steps, hideBelow(counted.data.visits));
  return { steps, splits: maskSplits(counted, steps, exclusive) };
}

/** The record as it may leave the private cache; records of other sources are returned as they are. */
export function maskSmallCounts(record: ResultRecord): ResultRecord {
  if (record.data.source !== "real") return record;
  const exclusive = record.metrics.ece.average === "top_label";
  const visits = hideBelow(record.data.visits);
  const cohort = maskCohort(record, exclusive);
  return {
    ...record,
    data: { ...record.data, subjects: hideBelow(record.data.subjects), visits },
    cohort,
    metrics: maskMetrics(record.metrics, cohort.splits, exclusive),
  };
}
