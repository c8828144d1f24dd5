/**
 * Labels of a task on a store: into memory for training, or as a file in the MEDS label schema. The
 * task's SQL is taken as it is; what is checked here is what every later step relies on.
 */
import { extname } from "node:path";
import { BenchError } from "../core/errors.ts";
import { type Columns, type EventStore, SPLITS, type SplitName } from "../core/event-store.ts";
import type { LabelSpec, Labels } from "../core/label.ts";
import type { TaskDefinition, TaskOptions } from "../core/task.ts";
import { PUBLISHED } from "../tasks/published.ts";

/** Samples, subjects and positives of one split. */
export interface SplitLabelCounts {
  readonly split: SplitName;
  readonly samples: number;
  /** Distinct subjects with a sample. */
  readonly subjects: number;
  readonly positives: readonly number[]; // [C], in the order of the task's classes
}

/** What of a task makes its labels. */
export type LabelMaker = Pick<
  TaskDefinition,
  "name" | "version" | "definitionHash" | "labelSpec" | "labelSpecOf" | "overStays" | "labels"
>;

/** The label of a task under some options. */
export function labelSpecOf(
  task: Pick<TaskDefinition, "labelSpec" | "labelSpecOf">,
  options: TaskOptions,
): LabelSpec {
  return task.labelSpecOf?.(options) ?? task.labelSpec;
}

function problem(task: LabelMaker, what: string): BenchError {
  return new BenchError({
    what: `labels of task ${task.name}: ${what}`,
    where: `labels of ${task.name}, version ${task.version}`,
    fix:
      task.definitionHash === undefined
        ? "correct the task's SQL, or rebuild the event store if its visits are at fault"
        : "correct the file, and use it with the data it was made for",
  });
}

/** Binary values and class indices become INTEGER, so that a null is told from 0. */
function selectLabels(task: LabelMaker, options: TaskOptions): string {
  const value = task.labelSpec.kind === "multilabel" ? "value" : "coalesce(value::INTEGER, -1)";
  return `SELECT l.subject_id, l.prediction_time, l.visit_id, ${value} AS value, s.split
FROM (${task.labels(options)}) l
LEFT JOIN splits s ON s.subject_id = l.subject_id
ORDER BY l.subject_id, l.prediction_time, l.visit_id NULLS FIRST`;
}

/** Sample numbers from 0 as they appear in messages: the row of the sorted labels. */
function checkKeys(task: LabelMaker, keys: readonly ArrayLike<number>[], size: number): void {
  const [subject = [], predictionTime = []] = keys;
  for (let i = 0; i < size; i++) {
    if (Number.isNaN(subject[i])) throw problem(task, `row ${i} has no subject`);
    if (Number.isNaN(predictionTime[i])) throw problem(task, `row ${i} has no prediction time`);
    if (i > 0 && keys.every((column) => Object.is(column[i], column[i - 1]))) {
      throw problem(task, `rows ${i - 1} and ${i} have one subject, prediction time and visit`);
    }
  }
}

function splitIndices(task: LabelMaker, splits: readonly (string | null)[]): Uint8Array {
  const index = new Map<string | null, number>(SPLITS.map((name, i) => [name, i]));
  return Uint8Array.from(splits, (split, i) => {
    const found = index.get(split);
    if (found === undefined) {
      const what = split === null ? "a subject without a split" : `the unknown split "${split}"`;
      throw problem(task, `row ${i} has ${what}`);
    }
    return found;
  });
}

/** Positive class indices of each row. */
function positiveClasses(kind: LabelSpec["kind"], columns: Columns): (row: number) => number[] {
  const values = columns.values("value");
  if (kind === "multilabel") return (row) => (values[row] as number[] | null) ?? [-1];
  if (kind === "multiclass") return (row) => [values[row] as number];
  return (row) => {
    const value = values[row] as number;
    return value === 0 ? [] : [value === 1 ? 0 : -1];
  };
}

function valueMatrix(task: LabelMaker, spec: LabelSpec, columns: Columns): Uint8Array {
  const classes = spec.classes.length;
  const positives = positiveClasses(spec.kind, columns);
  const value = new Uint8Array(columns.rowCount * classes); // [S × C]
  for (let row = 0; row < columns.rowCount; row++) {
    for (const index of positives(row)) {
      if (index === -1) throw problem(task, `row ${row} has no value`);
      if (!Number.isInteger(index) || index < 0 || index >= classes) {
        throw problem(task, `row ${row} has class ${index}, of ${classes} classes`);
      }
      value[row * classes + index] = 1;
    }
  }
  return value;
}

/**
 * Labels of a task, sorted by subject, prediction time and visit, with the split of each subject.
 * @throws BenchError when a label has no subject, prediction time, value or split, names a class that
 *   does not exist, or occurs twice, and when there are none because no stay of the source has an end.
 */
export async function loadLabels(
  store: EventStore,
  task: LabelMaker,
  options: TaskOptions,
): Promise<Labels> {
  const columns = await store.query(selectLabels(task, options));
  if (columns.rowCount === 0) await checkEnds(store, task);
  const subject = Float64Array.from(columns.numbers("subject_id"));
  const predictionTime = Float64Array.from(columns.numbers("prediction_time"));
  const visit = Float64Array.from(columns.numbers("visit_id"));
  checkKeys(task, [subject, predictionTime, visit], columns.rowCount);
  const spec = labelSpecOf(task, options);
  return {
    spec,
    size: columns.rowCount,
    subject,
    predictionTime,
    visit,
    split: splitIndices(task, columns.strings("split")),
    value: valueMatrix(task, spec, columns),
  };
}

/** @throws BenchError where there are hospital stays but none has an end, so that none can be asked about. */
async function checkEnds(store: EventStore, task: LabelMaker): Promise<void> {
  if (task.overStays !== true) return;
  const found =
    await store.query(`SELECT count(*)::DOUBLE AS stays, count(end_time)::DOUBLE AS ended
    FROM visits WHERE visit_type = 'inpatient'`);
  if (found.numbers("stays")[0] === 0 || found.numbers("ended")[0] !== 0) return;
  const { dataset, layout, published_labels } = store.info;
  const published = Object.keys(published_labels ?? {}).sort();
  const own = published.map((name) => `--task ${PUBLISHED}${name}`).join(", ");
  throw new BenchError({
    what: `task ${task.name} has no samples: it asks about hospital stays, and no stay here has a recorded end`,
    where: layout === undefined ? dataset : `${dataset}, layout ${layout}`,
    fix: [
      ...(own === "" ? [] : [`use the labels that came with the source (${own})`]),
      layout === undefined
        ? "name the codes at which stays end in a mapping (--mapping, see Dataset/README.md)"
        : "use another layout of the source, which has them (see Dataset/README.md)",
    ].join("; or "),
  });
}

/** The one value column of the MEDS label schema that a task of this kind fills. */
function medsValue({ kind, classes }: LabelSpec): string {
  if (kind === "binary") return "value AS boolean_value";
  if (kind === "multiclass") return "CAST(value AS BIGINT) AS integer_value";
  const names = classes.map((name) => `'${name.replaceAll("'", "''")}'`).join(", ");
  return `array_to_string(
    list_transform(list_sort(value), lambda class: ([${names}])[class + 1]), '|'
  ) AS categorical_value`;
}

/**
 * Writes a task's labels as a MEDS label file, parquet or csv by the name's ending: subject_id,
 * prediction_time and one of boolean_value, integer_value (class index) or categorical_value (names of the
 * positive classes joined by "|", empty for none). Returns the labels as `loadLabels` gives them.
 * @throws BenchError as `loadLabels`, or when the file's ending is neither .parquet nor .csv.
 */
export async function exportLabels(
  store: EventStore,
  task: LabelMaker,
  options: TaskOptions,
  file: string,
): Promise<Labels> {
  if (![".parquet", ".csv"].includes(extname(file))) {
    throw new BenchError({
      what: `cannot write labels to "${file}": the ending says neither parquet nor csv`,
      fix: "name the file *.parquet or *.csv",
      exitCode: 2,
    });
  }
  const labels = await loadLabels(store, task, options);
  await store.write(
    `SELECT subject_id, prediction_time, ${medsValue(labelSpecOf(task, options))}
FROM (${task.labels(options)})
ORDER BY subject_id, prediction_time, visit_id NULLS FIRST`,
    file,
  );
  return labels;
}

/** Samples, subjects and positives per class of each split, in the order of SPLITS. */
export function labelCounts(labels: Labels): SplitLabelCounts[] {
  const classes = labels.spec.classes.length;
  return SPLITS.map((split, wanted) => {
    const subjects = new Set<number>();
    const positives = new Array<number>(classes).fill(0);
    let samples = 0;
    for (let i = 0; i < labels.size; i++) {
      if (labels.split[i] !== wanted) continue;
      samples++;
      subjects.add(labels.subject[i] as number);
      for (let c = 0; c < classes; c++) {
        positives[c] = (positives[c] as number) + (labels.value[i * classes + c] as number);
      }
    }
    return { split, samples, subjects: subjects.size, positives };
  });
}

/** A split's positives by name of the class, with their share of its samples; null without samples. */
export function classCounts(
  { spec }: Pick<Labels, "spec">,
  { samples, positives }: Pick<SplitLabelCounts, "samples" | "positives">,
): { class: string; positives: number; prevalence: number | null }[] {
  return spec.classes.map((name, c) => ({
    class: name,
    positives: positives[c] as number,
    prevalence: samples === 0 ? null : (positives[c] as number) / samples,
  }));
}
