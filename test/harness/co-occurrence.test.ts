import t from "tap";
import { coOccurrence } from "../../harness/co-occurrence.ts";
import { SampleSet } from "../../harness/samples.ts";
import { labelsAtDischarge, randomData, toTimelines } from "../support/random-timelines.ts";

t.test("pairs of codes in one visit are counted once a training subject", async (t) => {
  const data = randomData(4, 15);
  const labels = labelsAtDischarge(data);
  const set = new SampleSet(labels, toTimelines(data), { hideIndexVisit: [] });
  const source = set.source("train", { maxCodes: 1000, repeats: "every" });
  const pairs = coOccurrence(source, 1000);
  const plain = new Map<string, Set<number>>();
  for (let sample = 0; sample < source.size; sample++) {
    const { length, code, visit } = source.read(sample);
    for (let i = 0; i < length; i++)
      for (let j = 0; j < length; j++) {
        if (visit[i] !== visit[j] || (code[i] as number) >= (code[j] as number)) continue;
        const key = `${code[i]} ${code[j]}`;
        plain.set(key, (plain.get(key) ?? new Set()).add(source.subjectOf(sample)));
      }
  }
  const found = Object.fromEntries(
    Array.from(pairs.a, (a, i) => [`${a} ${pairs.b[i]}`, pairs.subjects[i]]),
  );
  t.same(found, Object.fromEntries([...plain].map(([key, subjects]) => [key, subjects.size])));
  t.ok(pairs.subjects.every((n, i) => i === 0 || n <= (pairs.subjects[i - 1] as number)));
  const few = coOccurrence(source, 3);
  t.same([...few.a], [...pairs.a.subarray(0, 3)], "the most frequent are kept");
});
