/** Made-up timelines and labels for tests of the cut; every draw comes from one seeded stream. */
import { CODE_KINDS } from "../../core/event-store.ts";
import type { Labels } from "../../core/label.ts";
import { Random } from "../../core/random.ts";
import type { HistoryLimit } from "../../core/samples.ts";
import type { HistorySpec } from "../../core/task.ts";
import { MICROS_PER_DAY, MICROS_PER_HOUR } from "../../core/time.ts";
import type { Timelines } from "../../harness/timelines.ts";

export interface PlainEvent {
  time: number;
  code: number;
  kind: number;
  visit: number;
}
export interface PlainVisit {
  id: number;
  subject: number;
  start: number;
  end: number;
}
export interface PlainData {
  events: PlainEvent[][]; // per subject, sorted as the store sorts
  visits: PlainVisit[]; // `PlainEvent.visit` is a position in this list
}

const VISITS = 4;
const CODES = 12;

const byTime = (a: PlainEvent, b: PlainEvent) =>
  a.time - b.time || a.kind - b.kind || a.code - b.code || a.visit - b.visit;

/** Visits that may overlap, events inside, before and after them, and some outside any visit. */
export function randomData(seed: number, subjects: number): PlainData {
  const random = Random.fromSeed(seed).derive("timelines");
  const data: PlainData = { events: [], visits: [] };
  for (let s = 0; s < subjects; s++) {
    let at = random.below(100) * MICROS_PER_DAY;
    const events: PlainEvent[] = [];
    for (let v = 0; v < VISITS; v++) {
      const start = at;
      const end = start + (1 + random.below(200)) * MICROS_PER_HOUR;
      const visit = data.visits.push({ id: 1000 + data.visits.length, subject: s, start, end }) - 1;
      for (let e = 0; e < 8; e++) {
        const code = random.below(CODES);
        const drift = (random.below(300) - 30) * MICROS_PER_HOUR;
        const outside = random.below(10) === 0;
        events.push({
          time: start + drift,
          code,
          kind: 1 + (code % 4),
          visit: outside ? -1 : visit,
        });
      }
      at = end + (random.below(60) - 5) * MICROS_PER_DAY;
    }
    data.events.push(events.sort(byTime));
  }
  return data;
}

/** The flat form the harness loads. */
export function toTimelines({ events, visits }: PlainData): Timelines {
  const flat = events.flat();
  const offset = new Uint32Array(events.length + 1);
  events.forEach((list, i) => {
    offset[i + 1] = (offset[i] as number) + list.length;
  });
  return {
    subject: Float64Array.from(events, (_, i) => i + 1),
    offset,
    time: Float64Array.from(flat, (e) => e.time),
    code: Int32Array.from(flat, (e) => e.code),
    kind: Uint8Array.from(flat, (e) => e.kind),
    visit: Int32Array.from(flat, (e) => e.visit),
    visitId: Float64Array.from(visits, (v) => v.id),
    visitStart: Float64Array.from(visits, (v) => v.start),
    visitEnd: Float64Array.from(visits, (v) => v.end),
    birth: Float64Array.from(events, (_, i) => -(20 + 3 * i) * 365.2425 * MICROS_PER_DAY),
    sex: events.map((_, i) => (["F", "M", null] as const)[i % 3] ?? null),
    race: events.map((_, i) => (["WHITE", "ASIAN", null, "BLACK"] as const)[i % 4] ?? null),
  };
}

/** One binary label a visit, at the visit's end; subjects go round train, tuning, held_out. */
export function labelsAtDischarge({ visits }: PlainData): Labels {
  return {
    spec: { kind: "binary", classes: ["outcome"] },
    size: visits.length,
    subject: Float64Array.from(visits, (v) => v.subject + 1),
    predictionTime: Float64Array.from(visits, (v) => v.end),
    visit: Float64Array.from(visits, (v) => v.id),
    split: Uint8Array.from(visits, (v) => v.subject % 3),
    value: Uint8Array.from(visits, (_, i) => i % 2),
  };
}

export const KINDS = CODE_KINDS;

/** A history with nothing cut, and nothing of the index visit hidden. */
export const everything: HistoryLimit = { maxCodes: Number.MAX_SAFE_INTEGER, repeats: "every" };
export const hideNothing: HistorySpec = { hideIndexVisit: [] };
