/**
 * Auxiliary tasks of training timelines, for models that learn several at once: of each timeline one visit
 * is drawn anew in every epoch and hidden with all after it, and four things are asked about it at the end
 * of the visit before: does the patient die in it, does it come within 15 days, how long does it last, and
 * which classes of drugs are given in it.
 */

import { STRUCTURE_CODES } from "../core/event-store.ts";
import type { Random } from "../core/random.ts";
import type { History, SampleSource } from "../core/samples.ts";
import type { CodeTable } from "../core/tokenizer.ts";
import { SPREAD_YEARS } from "./age.ts";
import type { Collated } from "./batch-source.ts";
import type { DrugClasses } from "./drug-graphs.ts";
import type { StageFeeds } from "./pretraining.ts";
import { UTILISATION_WIDTH, utilisationOf } from "./utilisation.ts";

const DIED = `${STRUCTURE_CODES.discharge}/DIED`;
const SOON_DAYS = 15;
/** Lower ends of the classes of length but the first, in completed days. */
const STAY_BOUNDS = [1, 2, 3, 4, 5, 6, 7, 8, 15] as const;
export const STAY_CLASSES = STAY_BOUNDS.length + 1;
const DAYS_PER_YEAR = 365.25;

/** The answers about one visit; undefined where they cannot be told. */
export interface Answers {
  readonly died: boolean;
  readonly soon: boolean | undefined;
  /** Class of the length. */
  readonly stay: number | undefined;
  /** Classes of drugs; undefined where no drug is recorded. */
  readonly drugs: ReadonlySet<number> | undefined;
}

/** Answers about visit `visit` of a whole timeline. */
export function answersAbout(
  history: History,
  visit: number,
  codes: CodeTable,
  classes: DrugClasses,
): Answers {
  const { visitStart, visitEnd } = history;
  const drugs = new Set<number>();
  let died = false;
  for (let i = 0; i < history.length; i++) {
    if (history.visit[i] !== visit) continue;
    const row = history.code[i] as number;
    if (codes.code[row] === DIED) died = true;
    const d = classes.ofCode[row] as number;
    if (d >= 0) drugs.add(d);
  }
  const gap =
    visit > 0 ? (visitEnd[visit - 1] as number) - (visitStart[visit] as number) : Number.NaN;
  const days = (visitStart[visit] as number) - (visitEnd[visit] as number);
  return {
    died,
    soon: gap >= 0 ? gap <= SOON_DAYS : undefined,
    stay: days >= 0 ? STAY_BOUNDS.filter((bound) => days >= bound).length : undefined,
    drugs: drugs.size > 0 ? drugs : undefined,
  };
}

/** Inputs of the losses: answers, and 1 where there is one. */
export const ANSWERS = {
  died: "next.died",
  diedKnown: "next.diedKnown",
  soon: "next.soon",
  soonKnown: "next.soonKnown",
  stay: "next.stay",
  stayKnown: "next.stayKnown",
  drugs: "next.drugs",
  drugsKnown: "next.drugsKnown",
} as const;

type Floats = Readonly<Record<string, Float32Array>>;

/** Leaves the first `shown` visits of row b; times count from the end of the last of them. */
function showOnly(columns: Floats, b: number, sizes: Sizes, history: History, shown: number): void {
  const { T, L, cut } = sizes;
  const { mask, membership, visitMask, visitsAfter, visitDays, age } = columns as Columns;
  const before = utilisationOf({ ...history, visitCount: cut + shown });
  columns["utilisation"]?.set(before, b * UTILISATION_WIDTH);
  const last = cut + shown - 1;
  const end = shown === 0 ? Number.NaN : (history.visitEnd[last] as number);
  const times = [end, history.visitStart[Math.max(0, last)] as number, 0]; // 0: a record without a visit
  const now = times.find((days) => !Number.isNaN(days)) as number;
  for (let t = 0; t < T; t++) {
    const at = b * T + t;
    const isShown = t < shown;
    visitMask[at] = isShown ? 1 : 0;
    visitsAfter[at] = isShown ? shown - 1 - t : 0;
    visitDays[at] = isShown ? Math.max(0, (visitDays[at] as number) - now) : 0;
  }
  for (let i = b * L; i < (b + 1) * L; i++) {
    const isHidden = membership.subarray(i * T + shown, (i + 1) * T).some((x) => x === 1);
    if (!isHidden) continue;
    if (mask !== undefined) mask[i] = 0;
    membership.fill(0, i * T, (i + 1) * T);
  }
  if (age[2 * b + 1] === 1)
    age[2 * b] = (age[2 * b] as number) - now / DAYS_PER_YEAR / SPREAD_YEARS;
}

type Columns = Readonly<
  Record<"membership" | "visitMask" | "visitsAfter" | "visitDays" | "age", Float32Array>
> & { readonly mask?: Float32Array };
interface Sizes {
  readonly T: number;
  readonly L: number;
  /** Visits that were cut off the timeline's start. */
  readonly cut: number;
}

function writeAnswers(feeds: Floats, b: number, answers: Answers, D: number): void {
  const set = (name: keyof typeof ANSWERS, at: number, value: number) => {
    (feeds[ANSWERS[name]] as Float32Array)[at] = value;
  };
  set("died", b, answers.died ? 1 : 0);
  set("diedKnown", b, 1);
  set("soon", b, answers.soon === true ? 1 : 0);
  set("soonKnown", b, answers.soon === undefined ? 0 : 1);
  set("stay", b * STAY_CLASSES + (answers.stay ?? 0), 1);
  set("stayKnown", b, answers.stay === undefined ? 0 : 1);
  for (const d of answers.drugs ?? []) set("drugs", b * D + d, 1);
  set("drugsKnown", b, answers.drugs === undefined ? 0 : 1);
}

/** Whole timelines of training subjects and what is asked of them. */
export interface Asked {
  readonly timelines: SampleSource;
  readonly codes: CodeTable;
  readonly classes: DrugClasses;
  /** T of the collated columns, oldest first. */
  readonly maxVisits: number;
}

/** The columns that change and the answers, for one part of a batch of whole timelines. */
export function nextVisits(
  { timelines, codes, classes, maxVisits }: Asked,
  samples: Int32Array,
  { feeds, dims }: Collated,
  random: Random,
): StageFeeds {
  const [B, D] = [samples.length, classes.groups.length];
  const names = [
    ...["mask", "membership", "visitMask", "visitsAfter", "visitDays", "age", "utilisation"],
  ];
  const columns: Floats = Object.fromEntries(
    names.flatMap((name) => {
      const column = feeds[name] as Float32Array | undefined;
      return column === undefined ? [] : [[name, column.slice()] as const];
    }),
  );
  const width = (name: string) => (name === "stay" ? STAY_CLASSES : name === "drugs" ? D : 1);
  const answers: Floats = Object.fromEntries(
    Object.entries(ANSWERS).map(([name, input]) => [input, new Float32Array(B * width(name))]),
  );
  let weight = 0;
  for (const [b, sample] of samples.entries()) {
    const history = timelines.read(sample);
    const kept = Math.min(history.visitCount, maxVisits);
    const cut = history.visitCount - kept;
    const shown = kept < 2 ? 0 : 1 + random.below(kept - 1); // of a single visit nothing is shown
    if (kept === 0) continue;
    weight += 1;
    showOnly(columns, b, { T: maxVisits, L: dims["L"] as number, cut }, history, shown);
    writeAnswers(answers, b, answersAbout(history, cut + shown, codes, classes), D);
  }
  return { feeds: { ...columns, ...answers }, weight };
}
