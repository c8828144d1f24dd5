/**
 * Labels + timelines -> samples. `visibleEvents` is the only function that decides what a model may
 * see, and no task or model can go round it: nothing after the prediction time, nothing of a visit that
 * has not begun by then, and nothing the task hides of the index visit.
 *
 * Under protocol `paper` three flaws show the future. They move the moment of the cut here and nowhere else,
 * for nothing but a flaw that was named, and the record carries its name.
 */
import { SPLITS, type SplitName } from "../core/event-store.ts";
import type { Labels } from "../core/label.ts";
import { type Flaws, NO_FLAWS } from "../core/protocol.ts";
import type { History, HistoryLimit, SampleSource } from "../core/samples.ts";
import type { HistorySpec } from "../core/task.ts";
import { DAYS_PER_YEAR, MICROS_PER_DAY } from "../core/time.ts";
import { HistoryBuffers } from "./history-buffers.ts";
import { byAppearance } from "./paper.ts";
import { hiddenKinds, indexVisits, subjectRows } from "./sample-rows.ts";
import type { Timelines } from "./timelines.ts";

const MAX_AGE_YEARS = 90;

/** How much of the histories of a split was cut off by a model's limit. */
export interface Truncation {
  readonly samples: number;
  readonly codes: number;
}

/** Race as recorded -> index from 1. */
export type RaceVocabulary = ReadonlyMap<string, number>;

/** All samples of a task on one store. Splits are handed out as `SampleSource`s. */
export class SampleSet {
  readonly labels: Labels;
  readonly #timelines: Timelines;
  readonly #subjectRow: Int32Array; // [S] row in the timelines' subjects
  readonly #indexVisit: Int32Array; // [S] row in the visit columns, -1 without one
  readonly #hidden: Uint8Array; // [kinds] 1 where the index visit's codes of this kind are hidden
  readonly #cut: Float64Array; // [S] µs; the prediction time, but for flaws
  readonly #race: RaceVocabulary;
  readonly flaws: Flaws;

  /**
   * @param races the vocabulary of another set, to share it; by default one is made on training subjects.
   * @param flaws of protocol `paper`; none under `strict`
   */
  constructor(
    labels: Labels,
    timelines: Timelines,
    history: HistorySpec,
    races?: RaceVocabulary,
    flaws: Flaws = NO_FLAWS,
  ) {
    this.labels = labels;
    this.flaws = flaws;
    this.#timelines = timelines;
    this.#subjectRow = subjectRows(labels, timelines);
    this.#indexVisit = indexVisits(labels, timelines);
    this.#cut = this.#cuts();
    this.#hidden = hiddenKinds(flaws.has("phenotype-in-input") ? [] : history.hideIndexVisit);
    this.#race = races ?? this.#raceVocabulary();
  }

  /** Sample numbers of one split, ascending. */
  samplesOf(split: SplitName): Int32Array {
    const wanted = SPLITS.indexOf(split);
    return Int32Array.from({ length: this.labels.size }, (_, i) => i).filter(
      (i) => this.labels.split[i] === wanted,
    );
  }

  /** One split as a model sees it. */
  source(split: SplitName, limit: HistoryLimit): SplitSource {
    return new SplitSource(this, this.samplesOf(split), limit);
  }

  /** The moment at which a sample's timeline is cut, µs: its prediction time, but for a flaw. */
  cutTime(sample: number): number {
    return this.#cut[sample] as number;
  }

  /** Where flaws show the future, later than the prediction time; never earlier. */
  #cuts(): Float64Array {
    const { predictionTime } = this.labels;
    const { visitEnd, offset, time } = this.#timelines;
    if (this.flaws.has("ever-died")) {
      return predictionTime.map((now, i) => {
        const last = (offset[(this.#subjectRow[i] as number) + 1] as number) - 1;
        return Math.max(now, time[last] ?? now);
      });
    }
    if (!this.flaws.has("los-in-input") && !this.flaws.has("phenotype-in-input")) {
      return predictionTime;
    }
    return predictionTime.map((now, i) => {
      const end = visitEnd[this.#indexVisit[i] as number] ?? Number.NaN;
      return Number.isNaN(end) ? now : Math.max(now, end);
    });
  }

  /**
   * THE CUT. Writes the rows of the visible events of a sample into `out`, oldest first, and returns how
   * many there are. `out` must be at least as long as the longest timeline.
   */
  visibleEvents(sample: number, out: Int32Array): number {
    const { offset, time, kind, visit, visitStart } = this.#timelines;
    const subject = this.#subjectRow[sample] as number;
    const now = this.#cut[sample] as number;
    const index = this.#indexVisit[sample] as number;
    const end = offset[subject + 1] as number;
    let count = 0;
    for (let row = offset[subject] as number; row < end && (time[row] as number) <= now; row++) {
      const v = visit[row] as number;
      if (v >= 0) {
        // An order written before its stay began would tell that the stay is coming.
        if ((visitStart[v] as number) > now) continue;
        if (v === index && this.#hidden[kind[row] as number] === 1) continue;
      }
      out[count++] = row;
    }
    return count;
  }

  get timelines(): Timelines {
    return this.#timelines;
  }

  /** Length of the longest timeline. */
  get longest(): number {
    const { offset } = this.#timelines;
    let longest = 0;
    for (let s = 0; s + 1 < offset.length; s++) {
      longest = Math.max(longest, (offset[s + 1] as number) - (offset[s] as number));
    }
    return longest;
  }

  /** Age in years at the prediction time, at most 90; NaN when the birth is unknown. */
  ageYears(sample: number): number {
    const birth = this.#timelines.birth[this.#subjectRow[sample] as number] as number;
    const age =
      ((this.labels.predictionTime[sample] as number) - birth) / MICROS_PER_DAY / DAYS_PER_YEAR;
    return Math.min(MAX_AGE_YEARS, age);
  }

  /** 0 unknown, 1 female, 2 male. */
  sex(sample: number): number {
    const sex = this.#timelines.sex[this.#subjectRow[sample] as number];
    return sex === "F" ? 1 : sex === "M" ? 2 : 0;
  }

  /** Index in the vocabulary made on training subjects; 0 unknown or not seen there. */
  race(sample: number): number {
    const race = this.#timelines.race[this.#subjectRow[sample] as number] ?? null;
    return race === null ? 0 : (this.#race.get(race) ?? 0);
  }

  get races(): RaceVocabulary {
    return this.#race;
  }

  get raceCount(): number {
    return this.#race.size + 1;
  }

  /** Number of training subjects that have each code in the history of a training sample, [codes]. */
  trainSubjectsPerCode(codes: number): Uint32Array {
    const counts = new Uint32Array(codes);
    const lastSubject = new Int32Array(codes).fill(-1);
    const rows = new Int32Array(this.longest);
    for (const sample of this.samplesOf("train")) {
      const subject = this.#subjectRow[sample] as number; // samples are sorted by subject
      const n = this.visibleEvents(sample, rows);
      for (let i = 0; i < n; i++) {
        const code = this.#timelines.code[rows[i] as number] as number;
        if (lastSubject[code] === subject) continue;
        lastSubject[code] = subject;
        counts[code] = (counts[code] as number) + 1;
      }
    }
    return counts;
  }

  /** Races of training subjects in alphabetical order; ids must fit a byte, so the tail would be unknown. */
  #raceVocabulary(): RaceVocabulary {
    const seen = new Set<string>();
    for (const sample of this.samplesOf("train")) {
      const race = this.#timelines.race[this.#subjectRow[sample] as number];
      if (race != null) seen.add(race);
    }
    return new Map(
      [...seen]
        .sort()
        .slice(0, 254)
        .map((race, i) => [race, i + 1]),
    );
  }
}

/** One split of a SampleSet behind the interface models know. */
export class SplitSource implements SampleSource {
  readonly size: number;
  readonly samples: Int32Array; // [S] sample numbers in the SampleSet
  readonly ageYears: Float32Array;
  readonly sex: Uint8Array;
  readonly race: Uint8Array;
  readonly raceCount: number;
  readonly truncation: Truncation;
  readonly #set: SampleSet;
  readonly #limit: HistoryLimit;
  readonly #lengths: Uint32Array;
  readonly #buffers: HistoryBuffers;

  constructor(set: SampleSet, samples: Int32Array, limit: HistoryLimit) {
    this.#set = set;
    this.#limit = limit;
    this.samples = samples;
    this.size = samples.length;
    this.ageYears = Float32Array.from(samples, (i) => set.ageYears(i));
    this.sex = Uint8Array.from(samples, (i) => set.sex(i));
    this.race = Uint8Array.from(samples, (i) => set.race(i));
    this.raceCount = set.raceCount;
    if (set.flaws.has("unstable-demographics")) {
      this.sex = byAppearance(this.sex);
      this.race = byAppearance(this.race);
    }
    this.#buffers = new HistoryBuffers(set.longest);
    this.#lengths = new Uint32Array(this.size);
    this.truncation = this.#measure();
  }

  get labelSpec() {
    return this.#set.labels.spec;
  }

  /** The subject's id; for the harness only. */
  subjectOf(sample: number): number {
    return this.#set.labels.subject[this.samples[sample] as number] as number;
  }

  lengthOf(sample: number): number {
    return this.#lengths[sample] as number;
  }

  label(sample: number): Uint8Array {
    const classes = this.labelSpec.classes.length;
    const i = this.samples[sample] as number;
    return this.#set.labels.value.subarray(i * classes, (i + 1) * classes);
  }

  read(sample: number): History {
    const i = this.samples[sample] as number;
    const count = this.#kept(i);
    const kept = Math.min(count, this.#limit.maxCodes);
    return this.#buffers.fill(this.#set.timelines, this.#set.cutTime(i), count - kept, count);
  }

  /** Visible events of a sample after repeats were removed, in `buffers.rows`. */
  #kept(i: number): number {
    const { rows } = this.#buffers;
    const count = this.#set.visibleEvents(i, rows);
    return this.#limit.repeats === "every"
      ? count
      : this.#buffers.dropRepeats(this.#set.timelines, count);
  }

  #measure(): Truncation {
    let samples = 0;
    let codes = 0;
    for (let sample = 0; sample < this.size; sample++) {
      const count = this.#kept(this.samples[sample] as number);
      const cut = Math.max(0, count - this.#limit.maxCodes);
      this.#lengths[sample] = count - cut;
      codes += cut;
      if (cut > 0) samples++;
    }
    return { samples, codes };
  }
}
