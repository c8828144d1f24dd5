import t from "tap";
import { Random } from "../../core/random.ts";
import { sequenceInputs } from "../../ehr-models/inputs.ts";
import {
  AT,
  PREVIOUS,
  UNITS,
  visitSequence,
  writtenVisits,
} from "../../ehr-models/visit-targets.ts";
import { learnedTokenizer, vectorTokenizer } from "../support/samples.ts";
import { A01, A02, DIAGNOSIS, sourceWith, subject } from "../support/subject.ts";

const tokenizer = learnedTokenizer();
const random = Random.fromSeed(3).derive("test");
/** Row of the code table with a procedure. */
const PROCEDURE = 1;
const unit = (row: number) => row + 2;

t.test("a visit is written by kind, then by unit, each once (TE6)", async (t) => {
  const { history } = subject([A01], [A01, PROCEDURE, 2, DIAGNOSIS, A02, A01], [3]);
  const written = visitSequence(history, 1, tokenizer.unit, 64, random);
  t.same(written, [DIAGNOSIS, 2, PROCEDURE, A02, A01].map(unit));
  const other = subject([A01], [A02, DIAGNOSIS, 2, A01, PROCEDURE], [3]).history;
  t.same(visitSequence(other, 1, tokenizer.unit, 64, random), written, "in whatever order it came");
});

t.test("codes the tokenizer does not know are not written; of too many some are", async (t) => {
  const { history } = subject([59, 3, A02, A01]);
  t.same(
    visitSequence(history, 0, vectorTokenizer(false).unit, 64, random),
    [3, A02, A01].map(unit),
  );
  const few = visitSequence(history, 0, tokenizer.unit, 2, random);
  t.equal(few.length, 2);
  t.same(
    few,
    visitSequence(history, 0, tokenizer.unit, 64, random).filter((u) => few.includes(u)),
  );
});

const COLUMNS = ["codes", "mask", "visitsBefore", "daysBefore", "age"] as const;

function written(most: number, seed: number, ...samples: ReturnType<typeof subject>[]) {
  const timelines = sourceWith(...samples);
  const all = Int32Array.from(samples, (_, i) => i);
  const collated = sequenceInputs(timelines, tokenizer, COLUMNS).collate(all);
  const before = structuredClone(collated.feeds);
  const stream = Random.fromSeed(seed).derive("written");
  const stage = writtenVisits(timelines, tokenizer, most, all, collated, stream);
  return { stage, collated, before };
}

t.test("the drawn visit and all after it are hidden, and times count from its start", async (t) => {
  const person = subject([DIAGNOSIS, A01], [PROCEDURE, 2], [A02, 3]);
  const seen = new Set<number>();
  for (let seed = 0; seed < 12; seed++) {
    const { stage, collated, before } = written(64, seed, person);
    const { mask, visitsBefore, daysBefore, age } = stage.feeds as Record<string, Float32Array>;
    const shown = [...(mask ?? [])].reduce((a, b) => a + b, 0);
    const visit = shown / 2;
    seen.add(visit);
    t.same(
      [...(mask ?? [])].slice(0, 6),
      [0, 1, 2, 3, 4, 5].map((i) => (i < shown ? 1 : 0)),
    );
    const codes =
      [
        [DIAGNOSIS, A01],
        [PROCEDURE, 2],
        [3, A02],
      ][visit] ?? [];
    const units = codes.map(unit).sort((a, b) => a - b);
    t.same(
      [...((stage.feeds[UNITS] as Int32Array) ?? [])].map((u) => u + 2).sort((a, b) => a - b),
      units,
    );
    t.same(collated.feeds, before, "the columns of the timeline are left as they were");
    if (visit === 0) continue;
    t.equal(visitsBefore?.[0], visit - 1, "the visit before the drawn one is the last");
    t.equal(daysBefore?.[0], 30 - ([33, 23, 13][visit] ?? 0), "days to the drawn visit's start");
    const years = 60 - ([33, 23, 13][visit] ?? 0) / 365.25;
    t.ok(Math.abs(60 + 20 * (age?.[0] ?? 0) - years) < 1e-4, "and the age is that of then");
  }
  t.same([...seen].sort(), [0, 1, 2], "any visit is drawn");
});

t.test(
  "every code is asked for, the first too; none is fed before it was written (TE2, TE3)",
  async (t) => {
    const { stage } = written(64, 1, subject([DIAGNOSIS, 2, A02]), subject([PROCEDURE]));
    const J = stage.dims?.["J"] ?? 0;
    const [at, units, previous] = [AT, UNITS, PREVIOUS].map((name) => [
      ...(stage.feeds[name] as Int32Array),
    ]);
    t.same(at, [0, 1, 2, J]);
    t.same(
      units?.map((u) => u + 2),
      [DIAGNOSIS, 2, A02, PROCEDURE].map(unit),
    );
    t.same(previous?.slice(0, 3), [DIAGNOSIS, 2, A02].map(unit));
    t.same(previous?.slice(J - 1, J + 1), [unit(PROCEDURE), 0]);
    t.equal(previous?.length, 2 * (J - 1));
    t.equal(stage.weight, 4);
  },
);

t.test(
  "a record whose codes lie outside visits has no time to count from, and no NaN",
  async (t) => {
    const one = subject([DIAGNOSIS]);
    const outside = {
      ...one,
      history: { ...one.history, visitStart: Float32Array.of(Number.NaN) },
    };
    const { stage } = written(64, 1, outside);
    t.ok([...(stage.feeds["age"] ?? [])].every((x) => Number.isFinite(Number(x))));
    t.equal(stage.weight, 1);
  },
);

t.test("a timeline without visits writes nothing", async (t) => {
  const none = subject();
  t.equal(written(64, 1, none).stage.weight, 0);
});
