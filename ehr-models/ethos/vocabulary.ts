/**
 * The tokens of timelines, made on training subjects only:
 *
 *   0 padding | sexes | races | age unknown | Q1..Q10 | intervals | end of record | codes
 *
 * Age is two quantile tokens, tens and units of years (v2 of the published code with q = 10); the same ten
 * tokens follow a discharge with the decile of the stay's length.
 */
import type { SampleSource } from "../../core/samples.ts";
import { DAYS_PER_YEAR } from "../../core/time.ts";
import type { CodeTable, Tokenizer } from "../../core/tokenizer.ts";
import {
  type CodeSpelling,
  isStructure,
  ROLES,
  rolesOf,
  spellCodes,
  unknownName,
} from "./code-tokens.ts";
import { HALF_YEAR, INTERVAL_BOUNDS, Intervals } from "./intervals.ts";
import { type Standing, standingOf } from "./standing.ts";
import { eventsOf, type TimelineEvents } from "./timeline.ts";

/** Leading positions of every window: sex, race, and two of age. */
export const LEADING = 4;
const SEXES = 3;
const QUANTILES = 10;
const FIRST_SEX = 1;
const FIRST_RACE = FIRST_SEX + SEXES;

export interface VocabularyOptions {
  readonly codes: CodeTable;
  readonly tokenizer: Tokenizer;
  readonly spelling: CodeSpelling;
  readonly intervals: string;
  /** Codes with a token that fewer training subjects have become one unknown token of their kind. */
  readonly leastSubjects: number;
}

/** A timeline in tokens. */
export interface Encoded {
  readonly tokens: Int32Array; // [n]
  /** Age in days when the token is reached, NaN unknown. */
  readonly ageDays: Float64Array; // [n + 1], the last at the end
  readonly standing: Standing;
}

/** A history in tokens, and what is known of the time since its last event. */
export interface EncodedHistory extends Encoded {
  /** Days from the last event to the reference time, below half a year. */
  readonly elapsed: number;
  readonly isDead: boolean;
}

export class Vocabulary {
  readonly codes: CodeTable;
  readonly size: number;
  /** Tokens below are never generated. */
  readonly firstGenerated: number;
  readonly firstInterval: number;
  readonly end: number;
  readonly intervals: Intervals;
  /** Tokens of each row of the code table; an unknown token alone where the code is rare or not known. */
  readonly codeTokens: readonly Int32Array[];
  /** Names of the tokens of codes, in order, and the first of them. */
  readonly codeNames: readonly string[];
  readonly firstCode: number;
  /** Rows of the code table that an unknown token stands for. */
  readonly isUnknown: Uint8Array;
  readonly roles: Uint8Array;
  readonly #ageUnknown: number;
  readonly #firstQuantile: number;
  /** Days that part the lengths of stays into tenths. */
  readonly stayCuts: Float64Array;

  constructor(timelines: SampleSource, options: VocabularyOptions) {
    const { codes } = options;
    this.codes = codes;
    const bounds = INTERVAL_BOUNDS[options.intervals];
    if (bounds === undefined) throw new Error(`intervals ${options.intervals}`);
    this.roles = rolesOf(codes);
    const seen = survey(
      timelines,
      this.roles,
      codes,
      spellCodes(codes, options.tokenizer, options.spelling),
    );
    this.intervals = Intervals.fit(bounds, seen.gaps);
    this.stayCuts = deciles(seen.stays);
    this.#ageUnknown = FIRST_RACE + timelines.raceCount;
    this.#firstQuantile = this.#ageUnknown + 1;
    this.firstGenerated = this.#firstQuantile;
    this.firstInterval = this.#firstQuantile + QUANTILES;
    this.end = this.firstInterval + this.intervals.count;
    this.firstCode = this.end + 1;
    const written = writtenNames(codes, seen, options.leastSubjects);
    this.isUnknown = Uint8Array.from(codes.code, (_, row) =>
      written[row]?.[0] === unknownName(codes, row) ? 1 : 0,
    );
    const used = new Set(written.flat());
    for (const row of codes.code.keys()) used.add(unknownName(codes, row));
    this.codeNames = [...used].sort();
    const number = new Map(this.codeNames.map((name, i) => [name, this.firstCode + i]));
    this.codeTokens = written.map((names) =>
      Int32Array.from(names, (name) => number.get(name) as number),
    );
    this.size = this.firstCode + this.codeNames.length;
  }

  /** The tokens that end a stay, ascending. */
  endings(): Int32Array {
    const found = this.codeTokens.flatMap((tokens, row) =>
      this.roles[row] === ROLES.discharge && this.isUnknown[row] === 0 ? [...tokens] : [],
    );
    return Int32Array.from(new Set(found)).sort();
  }

  /** The number of an interval token, -1 for other tokens. */
  intervalOf(token: number): number {
    return token >= this.firstInterval && token < this.end ? token - this.firstInterval : -1;
  }

  /** The four leading tokens of a window: [sex, race, tens of age, units of age]. */
  leading(sex: number, race: number, ageDays: number): Int32Array {
    const [tens, units] = this.#age(ageDays / DAYS_PER_YEAR);
    return Int32Array.of(FIRST_SEX + sex, FIRST_RACE + race, tens, units);
  }

  /** What each token stands for, [size]; an interval by its least days. */
  names(): string[] {
    const names = new Array<string>(this.size).fill("padding");
    const put = (first: number, group: string, items: readonly (number | string)[]) => {
      for (const [i, item] of items.entries()) names[first + i] = `${group}/${item}`;
    };
    put(FIRST_SEX, "sex", ["unknown", "female", "male"].slice(0, SEXES));
    put(FIRST_RACE, "race", [...Array(this.#ageUnknown - FIRST_RACE).keys()]);
    put(this.#ageUnknown, "age", ["unknown"]);
    put(this.#firstQuantile, "quantile", [...Array(QUANTILES).keys()]);
    put(this.firstInterval, "interval", this.intervals.bounds);
    put(this.end, "record", ["end"]);
    for (const [i, name] of this.codeNames.entries()) names[this.firstCode + i] = name;
    return names;
  }

  /** A whole record: ends with death or the end token. */
  encodeWhole(events: TimelineEvents): Encoded {
    return this.#encode(events, events.isDead ? [] : [this.end]);
  }

  /** What is visible at the reference time; whole half years of silence since the last event are written out. */
  encodeHistory(events: TimelineEvents): EncodedHistory {
    const { daysBefore, isDead } = events;
    const silence = isDead ? 0 : Math.max(0, daysBefore.at(-1) ?? 0);
    const repeats = Math.floor(silence / HALF_YEAR);
    const last = this.firstInterval + this.intervals.count - 1;
    const encoded = this.#encode(
      events,
      Array.from({ length: repeats }, () => last),
    );
    return { ...encoded, elapsed: repeats > 0 ? 0 : silence, isDead };
  }

  #encode(events: TimelineEvents, tail: readonly number[]): Encoded {
    const { row, daysBefore, stayDays, ageDays, visitStart, visitEnd } = events;
    const tokens: number[] = [];
    const ages: number[] = [];
    const visits: number[] = [];
    const over: number[] = [];
    let before = daysBefore[0] ?? 0;
    let [visit, isOver] = [-1, 0];
    const put = (token: number) => {
      tokens.push(token);
      ages.push(ageDays - before);
      visits.push(visit);
      over.push(isOver);
    };
    for (let i = 0; i < row.length; i++) {
      const run = this.intervals.of(before - (daysBefore[i] as number));
      for (let k = 0; k < (run?.times ?? 0); k++) put(this.firstInterval + (run?.interval ?? 0));
      before = daysBefore[i] as number;
      const stay = stayDays[i] as number;
      const isEnd = !Number.isNaN(stay);
      isOver = isEnd || (isOver === 1 && events.visit[i] === visit) ? 1 : 0;
      visit = events.visit[i] as number;
      for (const token of this.codeTokens[row[i] as number] as Int32Array) put(token);
      if (isEnd) put(this.#firstQuantile + quantileOf(this.stayCuts, stay));
    }
    for (const token of tail) put(token);
    ages.push(ageDays - before);
    const course = {
      visit: Int32Array.from(visits),
      isOver: Uint8Array.from(over),
      ageDays: Float64Array.from(ages),
    };
    const standing = standingOf({ ...course, visitStart, visitEnd });
    return { tokens: Int32Array.from(tokens), ageDays: course.ageDays, standing };
  }

  /** Tens and units of the age in whole years, at most 99. */
  #age(years: number): [number, number] {
    if (Number.isNaN(years)) return [this.#ageUnknown, this.#ageUnknown];
    const whole = Math.min(99, Math.max(0, Math.floor(years)));
    return [this.#firstQuantile + Math.floor(whole / 10), this.#firstQuantile + (whole % 10)];
  }
}

interface Survey {
  readonly names: readonly (readonly string[])[];
  readonly subjectsOfRow: Uint32Array;
  readonly subjectsOfName: ReadonlyMap<string, number>;
  readonly gaps: readonly number[];
  readonly stays: readonly number[];
}

/** What the training subjects' timelines hold. */
function survey(
  timelines: SampleSource,
  roles: Uint8Array,
  codes: CodeTable,
  names: readonly (readonly string[])[],
): Survey {
  const subjectsOfRow = new Uint32Array(codes.size);
  const subjectsOfName = new Map<string, number>();
  const gaps: number[] = [];
  const stays: number[] = [];
  for (let subject = 0; subject < timelines.size; subject++) {
    const events = eventsOf(timelines.read(subject), roles, Number.NaN);
    const rows = new Set(events.row);
    for (const row of rows) subjectsOfRow[row] = (subjectsOfRow[row] as number) + 1;
    for (const name of new Set([...rows].flatMap((row) => names[row] ?? [])))
      subjectsOfName.set(name, (subjectsOfName.get(name) ?? 0) + 1);
    for (let i = 1; i < events.row.length; i++)
      gaps.push((events.daysBefore[i - 1] as number) - (events.daysBefore[i] as number));
    for (const stay of events.stayDays) if (!Number.isNaN(stay)) stays.push(stay);
  }
  return { names, subjectsOfRow, subjectsOfName, gaps, stays };
}

/** A code is written out when enough training subjects have each of its tokens, and is unknown otherwise. */
function writtenNames(
  codes: CodeTable,
  seen: Survey,
  least: number,
): readonly (readonly string[])[] {
  return seen.names.map((names, row) => {
    const isKnown = isStructure(codes, row)
      ? (seen.subjectsOfRow[row] as number) > 0
      : names.every((name) => (seen.subjectsOfName.get(name) ?? 0) >= least);
    return isKnown ? names : [unknownName(codes, row)];
  });
}

/** Nine cut points that part values into tenths; equal ones are merged. */
function deciles(values: readonly number[]): Float64Array {
  const sorted = Float64Array.from(values).sort();
  const cuts = Array.from(
    { length: QUANTILES - 1 },
    (_, k) => sorted[Math.floor(((k + 1) * sorted.length) / QUANTILES)],
  );
  return Float64Array.from(new Set(cuts.filter((cut) => cut !== undefined)));
}

/** Number of cut points below x. */
function quantileOf(cuts: Float64Array, x: number): number {
  let quantile = 0;
  while (quantile < cuts.length && x > (cuts[quantile] as number)) quantile++;
  return quantile;
}
