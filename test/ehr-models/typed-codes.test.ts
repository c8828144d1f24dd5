import t from "tap";
import { CODE_TYPES, typedCodes } from "../../ehr-models/typed-codes.ts";
import { visitInputs } from "../../ehr-models/visit-inputs.ts";
import { codeTable, LABELS, learnedTokenizer, makeSamples, sourceOf } from "../support/samples.ts";

const COLUMNS = [
  ...(["codes", "mask", "kinds", "membership", "share", "isLast", "visitMask", "sex"] as const),
];
const OPTIONS = {
  maxVisits: 4,
  maxVisitCodes: 20,
  order: "oldest-first",
  fixedVisits: true,
} as const;
const samples = makeSamples(9, LABELS.binary, 3);
const source = sourceOf(samples, LABELS.binary);
const all = Int32Array.from(samples, (_, i) => i);
const unsorted = visitInputs(source, learnedTokenizer(), OPTIONS, COLUMNS);
const before = unsorted.collate(all);
const after = typedCodes(unsorted).collate(all);
const B = samples.length;
const T = OPTIONS.maxVisits;
const lengths = CODE_TYPES.map((type) => after.dims[`L.${type}`] as number);
const kinds = codeTable().kind;

type Feeds = typeof before.feeds;
/** Unit, visits, share and mark of every real position of row b, as text in a fixed order. */
function rowsOf(feeds: Feeds, b: number, L: number): string[] {
  const column = (name: string) => feeds[name] as Float32Array;
  const positions = Array.from({ length: L }, (_, i) => b * L + i);
  const of = (i: number) => [
    column("codes")[i],
    ...column("membership").subarray(i * T, (i + 1) * T),
    column("share")[i],
    column("isLast")[i],
  ];
  const real = positions.filter((i) => of(i).some((value) => value !== 0));
  return real.map((i) => of(i).join(" ")).sort();
}

t.test("each position of a sample is still there once, with all of its columns", async (t) => {
  const L = after.dims["L"] as number;
  t.equal(
    lengths.reduce((a, b) => a + b, 0),
    L,
  );
  t.ok(B * L >= 1024, "results do not depend on the number of threads");
  for (let b = 0; b < B; b++) {
    const rows = rowsOf(after.feeds, b, L);
    t.same(rows, rowsOf(before.feeds, b, before.dims["L"] as number));
    t.equal(rows.length, samples[b]?.history.length);
  }
});

t.test("a stretch holds the codes of its type alone, and is as long as any needs it", async (t) => {
  const L = after.dims["L"] as number;
  const codes = after.feeds["codes"] as Int32Array;
  for (const [k, type] of CODE_TYPES.entries()) {
    const from = lengths.slice(0, k).reduce((a, b) => a + b, 0);
    const most = Math.max(
      ...samples.map(({ history }) => [...history.kind].filter((kind) => kind === 1 + k).length),
    );
    if (type !== "other") t.equal(lengths[k], Math.max(8, Math.ceil(most / 8) * 8));
    for (let b = 0; b < B; b++)
      for (const unit of codes.subarray(b * L + from, b * L + from + (lengths[k] as number)))
        if (unit > 0) t.equal(kinds[unit - 2], 1 + k, `${type}: ${unit}`);
  }
});

t.test("columns about visits and subjects stay, those that sorted are gone", async (t) => {
  t.same(after.feeds["visitMask"], before.feeds["visitMask"]);
  t.same(after.feeds["sex"], before.feeds["sex"]);
  for (const feeds of [after.feeds, typedCodes(unsorted).specs])
    t.notOk("mask" in feeds || "kinds" in feeds);
});

t.test("codes of any other kind are of the last type", async (t) => {
  const sample = samples[0];
  if (sample === undefined) throw new Error("no sample");
  const { history } = sample;
  const kind = history.kind.map((_, i) => (i === 0 ? 4 : i === 1 ? 6 : 1));
  const one = sourceOf([{ ...sample, history: { ...history, kind } }], LABELS.binary);
  const inputs = typedCodes(visitInputs(one, learnedTokenizer(), OPTIONS, COLUMNS));
  const { feeds, dims } = inputs.collate(Int32Array.of(0));
  const from = (dims["L"] as number) - (dims["L.other"] as number);
  const others = [...(feeds["codes"] as Int32Array).subarray(from)].filter((unit) => unit > 0);
  t.same(others.sort(), [...history.code.subarray(0, 2)].map((code) => code + 2).sort());
});
