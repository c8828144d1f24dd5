/**
 * Scratch arrays of one sample source, and the copying of visible rows into the columns of a `History`.
 * What is visible was decided before, in samples.ts.
 */
import type { History } from "../core/samples.ts";
import { MICROS_PER_DAY } from "../core/time.ts";
import type { Timelines } from "./timelines.ts";

/** Scratch arrays of one source, and the copying of rows into the columns of a `History`. */
export class HistoryBuffers {
  readonly rows: Int32Array;
  readonly #code: Int32Array;
  readonly #kind: Uint8Array;
  readonly #visit: Int32Array;
  readonly #daysBefore: Float32Array;
  readonly #visitStart: Float32Array;
  readonly #visitEnd: Float32Array;
  readonly #seen = new Set<number>();
  readonly #ordinal = new Map<number, number>();

  constructor(longest: number) {
    this.rows = new Int32Array(longest);
    this.#code = new Int32Array(longest);
    this.#kind = new Uint8Array(longest);
    this.#visit = new Int32Array(longest);
    this.#daysBefore = new Float32Array(longest);
    this.#visitStart = new Float32Array(longest + 1);
    this.#visitEnd = new Float32Array(longest + 1);
  }

  /** Keeps the first occurrence of each (visit, code) among `rows`; returns how many are left. */
  dropRepeats({ code, visit }: Timelines, count: number): number {
    const { rows } = this;
    this.#seen.clear();
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      // Both are below 2^26 by far, so the pair is an exact float64 integer.
      const key = ((visit[row] as number) + 1) * 67108864 + (code[row] as number);
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      rows[kept++] = row;
    }
    return kept;
  }

  /** The columns of rows[from .. to) as views that the next call overwrites. */
  fill(timelines: Timelines, now: number, from: number, to: number): History {
    const { time, code, kind, visit } = timelines;
    this.#ordinal.clear();
    for (let i = from; i < to; i++) {
      const row = this.rows[i] as number;
      const at = i - from;
      this.#code[at] = code[row] as number;
      this.#kind[at] = kind[row] as number;
      this.#daysBefore[at] = (now - (time[row] as number)) / MICROS_PER_DAY;
      this.#visit[at] = this.#placeVisit(timelines, visit[row] as number, now);
    }
    const n = to - from;
    if (this.#ordinal.size === 0) {
      this.#visitStart[0] = Number.NaN;
      this.#visitEnd[0] = Number.NaN;
    }
    // Codes outside any visit still belong to ordinal 0.
    const visits = Math.max(this.#ordinal.size, n > 0 ? 1 : 0);
    return {
      length: n,
      code: this.#code.subarray(0, n),
      kind: this.#kind.subarray(0, n),
      visit: this.#visit.subarray(0, n),
      daysBefore: this.#daysBefore.subarray(0, n),
      visitCount: visits,
      visitStart: this.#visitStart.subarray(0, visits),
      visitEnd: this.#visitEnd.subarray(0, visits),
    };
  }

  /** Ordinal of a visit by first appearance; an end that is not yet known at `now` stays unknown. */
  #placeVisit({ visitStart, visitEnd }: Timelines, visit: number, now: number): number {
    if (visit < 0) return Math.max(0, this.#ordinal.size - 1);
    const known = this.#ordinal.get(visit);
    if (known !== undefined) return known;
    const ordinal = this.#ordinal.size;
    this.#ordinal.set(visit, ordinal);
    const end = visitEnd[visit] as number;
    this.#visitStart[ordinal] = (now - (visitStart[visit] as number)) / MICROS_PER_DAY;
    this.#visitEnd[ordinal] = end <= now ? (now - end) / MICROS_PER_DAY : Number.NaN;
    return ordinal;
  }
}
