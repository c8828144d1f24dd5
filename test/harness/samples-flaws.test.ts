/** What the flaws of protocol paper change of samples, and that they change nothing else. */
import t from "tap";
import type { Labels } from "../../core/label.ts";
import { FLAW_NAMES, type Flaw } from "../../core/protocol.ts";
import type { HistorySpec } from "../../core/task.ts";
import { MICROS_PER_DAY } from "../../core/time.ts";
import { SampleSet } from "../../harness/samples.ts";
import {
  everything,
  hideNothing,
  labelsAtDischarge,
  type PlainData,
  randomData,
  toTimelines,
} from "../support/random-timelines.ts";

t.test("flaws of protocol paper show the future, each its own part, and nothing else does", (t) => {
  const day = MICROS_PER_DAY;
  const data: PlainData = {
    visits: [
      { id: 1, subject: 0, start: 0, end: 4 * day },
      { id: 2, subject: 0, start: 6 * day, end: 9 * day },
    ],
    events: [
      [
        { time: 0, code: 1, kind: 3, visit: 0 },
        { time: 4 * day, code: 2, kind: 1, visit: 0 },
        { time: 9 * day, code: 3, kind: 1, visit: 1 },
      ],
    ],
  };
  const atDischarge = labelsAtDischarge(data);
  const atAdmission: Labels = { ...atDischarge, predictionTime: Float64Array.of(0, 6 * day) };
  const read = (flaws: readonly Flaw[], hide: HistorySpec = hideNothing, labels = atAdmission) => {
    const set = new SampleSet(labels, toTimelines(data), hide, undefined, new Set(flaws));
    const history = set.source("train", everything).read(0);
    return [[...history.code], history.visitEnd[0], history.daysBefore[0]];
  };
  t.same(read([]), [[1], Number.NaN, 0]);
  t.same(read(["los-in-input"]), [[1, 2], 0, 4], "the stay, its end and its length");
  t.same(read(["ever-died"]), [[1, 2, 3], 5, 9], "the whole record");
  const hidden: HistorySpec = { hideIndexVisit: ["diagnosis"] };
  t.same(read([], hidden, atDischarge), [[1], 0, 4]);
  t.same(read(["phenotype-in-input"], hidden, atDischarge), [[1, 2], 0, 4]);
  const harmless = FLAW_NAMES.filter((name) => !/-in-input$|^ever-died$/.test(name));
  t.same(read(harmless), read([]), "no other flaw moves the cut");
  t.end();
});

t.test("unstable demographics are numbered anew in each split", (t) => {
  const data = randomData(4, 12);
  const make = (flaws: readonly Flaw[]) =>
    new SampleSet(
      labelsAtDischarge(data),
      toTimelines(data),
      hideNothing,
      undefined,
      new Set(flaws),
    );
  const [stable, unstable] = [make([]), make(["unstable-demographics"])];
  for (const split of ["train", "tuning", "held_out"] as const) {
    const [a, b] = [stable.source(split, everything), unstable.source(split, everything)];
    const seen = [...new Set(b.race)].filter((id) => id > 0);
    t.same(
      seen,
      seen.map((_, i) => i + 1),
      "in order of first appearance",
    );
    t.equal(new Set(a.race).size, new Set(b.race).size);
    t.same(
      [...b.sex].map((id) => id > 0),
      [...a.sex].map((id) => id > 0),
    );
  }
  t.end();
});
