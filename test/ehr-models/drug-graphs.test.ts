import t from "tap";
import type { SampleSource } from "../../core/samples.ts";
import { drugClasses, drugMemory, neighbourMean } from "../../ehr-models/drug-graphs.ts";
import { gamenet } from "../../ehr-models/gamenet.ts";
import { ddiFile } from "../support/ddi-file.ts";
import { codeTable, contextOf, LABELS, sourceOf } from "../support/samples.ts";
import { A01, A02, A03, DIAGNOSIS, sourceWith, subject } from "../support/subject.ts";

const SPEC = LABELS.multilabel;
const CODES = codeTable();
const OPTIONS = { interactions: false, minLift: 0 };
const SIZES = { width: 8, maxVisits: 4 };

async function memoryOf(timelines: SampleSource, ddi?: string) {
  const files = ddi === undefined ? {} : { ddi };
  const context = contextOf({ train: sourceWith(subject([DIAGNOSIS])), timelines, files });
  return drugMemory(context, { interactions: ddi !== undefined, minLift: 0 });
}

t.test("the code table of these tests has a drug of each class", async (t) => {
  t.same(
    [A01, A02, A03].map((row) => CODES.code[row]?.slice(0, 8)),
    ["ATC/A01A", "ATC/A02A", "ATC/A03A"],
  );
});

t.test(
  "drugs of training subjects given in one visit are joined, and no others (G1, G3)",
  async (t) => {
    const timelines = sourceWith(subject([A01, A02, DIAGNOSIS], [A03]), subject([A03], [A01]));
    const { together, isNative } = await memoryOf(timelines);
    t.ok(isNative);
    t.same([...together], [0, 1, 0, 1, 0, 0, 0, 0, 0]);
  },
);

t.test(
  "the graph is of the training timelines: other splits' records do not reach it (G1)",
  async (t) => {
    const pair = subject([A01, A03]);
    const context = contextOf({
      train: sourceWith(pair),
      tuning: sourceWith(pair),
      timelines: sourceWith(subject([A01, A02])),
    });
    const { together } = await drugMemory(context, { interactions: false, minLift: 0 });
    t.same([...together], [0, 1, 0, 1, 0, 0, 0, 0, 0]);
  },
);

t.test(
  "a class is an ATC class: the same letters in another vocabulary are none (G10)",
  async (t) => {
    const codes = {
      ...CODES,
      size: 4,
      code: ["ATC/A01AA05", "NDC/A01AA05", "ATC/A01", "ATC/A01AB"],
    };
    t.same([...drugClasses(codes, ["A01A"]).ofCode], [0, -1, -1, 0]);
    t.same([...drugClasses(codes, ["A01A", "A01AA"]).ofCode], [1, -1, -1, 0], "the longest group");
  },
);

t.test("classes that meet by chance only are not joined when a lift is asked for", async (t) => {
  // Of 4 visits A01 is in 2, A02 in 3, A03 in 1.
  const timelines = sourceWith(subject([A01, A02], [A01, A03], [A02], [DIAGNOSIS, A02]));
  const joined = async (minLift: number) => {
    const context = contextOf({ train: timelines });
    const { together } = await drugMemory(context, { interactions: false, minLift });
    return [together[1], together[2], together[5]];
  };
  t.same(await joined(0), [1, 1, 0]);
  t.same(await joined(0.5), [1, 1, 0], "1 visit where 2 · 3 / 4 were by chance");
  t.same(await joined(1), [0, 1, 0]);
  t.same(await joined(2), [0, 1, 0], "1 visit where 2 · 1 / 4 were by chance");
  t.same(await joined(2.5), [0, 0, 0]);
});

t.test("rows of the graph are means over a class and its neighbours", async (t) => {
  const third = Math.fround(1 / 3);
  t.same(
    [...neighbourMean(Uint8Array.of(0, 1, 1, 1, 0, 0, 1, 0, 0))],
    [third, third, third, 0.5, 0.5, 0, 0.5, 0, 0.5],
  );
  t.same([...neighbourMean(Uint8Array.of(0, 0, 0, 0))], [1, 0, 0, 1], "a class alone is itself");
});

t.test("a target of single drugs keeps the classes of all drugs in memory", async (t) => {
  const spec = { ...SPEC, classCodes: [["ATC/A01AA20"], ["ATC/A02AA05"], ["ATC/A03AA08"]] };
  const timelines = sourceWith(subject([A01, A02], [A03]));
  const memory = await drugMemory(contextOf({ train: sourceOf([], spec), timelines }), OPTIONS);
  t.same(memory.classes.groups, ["A01A", "A02A", "A03A"]);
  t.notOk(memory.isNative);
  const none = contextOf({ train: sourceOf([], spec), timelines: sourceWith(subject([0])) });
  await t.rejects(drugMemory(none, OPTIONS), { message: /no training subject has a drug/ });
});

t.test("a table of interactions is asked for, and must be about these classes", async (t) => {
  const train = sourceWith(subject([DIAGNOSIS]));
  const fitWith = (ddi?: string) =>
    gamenet.fit(contextOf({ train, ...(ddi === undefined ? {} : { files: { ddi } }) }), SIZES);
  await t.rejects(fitWith(), { name: "BenchError", message: /none was given/ });
  await t.rejects(fitWith(ddiFile(t, "N05A,B01A")), { message: /no pair of the file/ });
  const { interacting } = await memoryOf(train, ddiFile(t, "A02A,A03A"));
  t.same([...(interacting ?? [])], [0, 0, 0, 0, 0, 1, 0, 1, 0]);
});
