/** One subject's conditions: what the subject has, and what the record says. Reused between subjects. */
import type { Catalogue } from "./catalogue.ts";

/** What anybody who reads the record up to a discharge can know; the risk depends on nothing else. */
export interface Visible {
  /** 1 where a family has been recorded in any visit so far, and in the latest one. [families] */
  readonly ever: Uint8Array;
  readonly last: Uint8Array;
  /** Variant under which a family was recorded most recently; -1 where never. [families] */
  readonly variant: Int16Array;
  /** Drugs ordered in the latest visit. */
  drugs: readonly number[];
  /** Visits so far. */
  visits: number;
  /** Days from the discharge before to the latest admission; Infinity at the first visit. */
  gapDays: number;
  /** Length of the latest visit. */
  stayDays: number;
  /** Calendar years from birth to the latest admission, at most 90. */
  age: number;
}

export class Chart implements Visible {
  readonly ever: Uint8Array;
  readonly last: Uint8Array;
  readonly variant: Int16Array;
  drugs: readonly number[] = [];
  visits = 0;
  gapDays = Number.POSITIVE_INFINITY;
  stayDays = 0;
  age = 0;
  /** Variant of each condition the subject has at present, recorded or not; -1 for none. [families] */
  readonly has: Int16Array;
  female = false;
  frailty = 0;

  constructor(catalogue: Catalogue) {
    const n = catalogue.families.length;
    this.ever = new Uint8Array(n);
    this.last = new Uint8Array(n);
    this.variant = new Int16Array(n);
    this.has = new Int16Array(n);
  }

  /** Forgets the subject before. */
  reset(female: boolean, frailty: number): void {
    this.ever.fill(0);
    this.last.fill(0);
    this.variant.fill(-1);
    this.has.fill(-1);
    this.drugs = [];
    this.visits = 0;
    this.gapDays = Number.POSITIVE_INFINITY;
    this.stayDays = 0;
    this.age = 0;
    this.female = female;
    this.frailty = frailty;
  }

  /** The record of a visit states a condition. */
  record(family: number, variant: number): void {
    this.ever[family] = 1;
    this.last[family] = 1;
    this.variant[family] = variant;
  }
}
