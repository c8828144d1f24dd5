import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";
import type { TaskOptions } from "../../core/task.ts";
import { drugrec } from "../../tasks/drugrec.ts";
import { drugrecAtc } from "../../tasks/drugrec-atc.ts";
import type { HandEvent } from "../support/hand-store.ts";
import { cohortOf, labelsOf } from "../support/labels-of.ts";

const visit = { subject: 1, id: 5, start: "2150-01-01 10:00", end: "2150-01-09 12:00" };
const order = (code: string, more: Partial<HandEvent> = {}): HandEvent => ({
  subject: 1,
  time: "2150-01-02 00:00",
  code,
  kind: "drug",
  visit: 5,
  text: code,
  drugType: "MAIN",
  ...more,
});
const specOf = (options: TaskOptions) => drugrecAtc.labelSpecOf?.(options) ?? drugrecAtc.labelSpec;

function label(events: HandEvent[], options: TaskOptions = {}) {
  return labelsOf(drugrecAtc, { subjects: [{ id: 1 }], visits: [visit], events }, options);
}

async function classes(events: HandEvent[], options: TaskOptions = {}): Promise<string[]> {
  const labels = await label(events, options);
  t.equal(labels.length, 1);
  return (labels[0]?.[2] ?? []).map((i) => specOf(options).classes[i] ?? "");
}

t.test("the classes are those of the shipped table of ingredients, at both levels", (t) => {
  const rows: Record<string, string>[] = parse(
    readFileSync(join(packageRoot, "Dataset/drugs/ingredients.csv")),
    { columns: true },
  );
  for (const [level, length] of [
    [3, 4],
    [4, 5],
  ] as const) {
    const inTable = rows
      .map((row) => row["atc_code"] ?? "")
      .filter((code) => code.length >= length)
      .map((code) => code.slice(0, length));
    const { classes: listed, classCodes } = specOf({ level });
    t.same(listed, [...new Set(inTable)].sort());
    t.same(
      classCodes,
      listed.map((code) => [`ATC/${code}*`]),
    );
  }
  t.equal(drugrecAtc.labelSpec.classes.length, 220);
  t.end();
});

t.test("drugrec names its drugs as codes too", (t) => {
  t.same(drugrec.labelSpec.classCodes?.[0], ["ATC/J01XA01"]);
  t.equal(drugrec.labelSpec.classCodes?.length, drugrec.labelSpec.classes.length);
  t.end();
});

t.test("asks at discharge for the classes of the stay's orders, each once, in order", async (t) => {
  const events = [order("ATC/J01XA01"), order("ATC/B01AB01"), order("ATC/J01XA02")];
  t.same(await classes(events), ["B01A", "J01X"]);
  t.same(await classes(events, { level: 4 }), ["B01AB", "J01XA"]);
  t.equal((await label(events))[0]?.[1], "2150-01-09 12:00:00");
});

t.test("codes at and above the level, without ATC, and of no listed class", async (t) => {
  const diluent = order("ATC/V07AB");
  t.same(await classes([diluent]), ["V07A"]);
  t.same(await classes([diluent], { level: 4 }), ["V07AB"]);
  t.same(await classes([order("ATC/J01")]), [], "a group of the second level is no class");
  t.same(await classes([order("ATC/J01X")], { level: 4 }), []);
  t.same(await classes([order("NDC/00338004904"), order("DRUG/j01x mystery")]), []);
  t.same(await classes([order("ATC/QJ01XA01")]), [], "no veterinary classes");
});

t.test("carrier fluids do not count, additions and unknown types do", async (t) => {
  t.same(await classes([order("ATC/B05XA03", { drugType: "BASE" })]), []);
  t.same(await classes([order("ATC/B05XA03", { drugType: "ADDITIVE" })]), ["B05X"]);
  t.same(await classes([order("ATC/B05XA03", { drugType: null })]), ["B05X"]);
});

t.test("diagnoses, other stays' orders and orders outside stays do not count", async (t) => {
  const own = order("ATC/C10AA05");
  const diagnosis = order("ATC/J01XA01", { kind: "diagnosis" });
  const other = order("ATC/J01MA12", { visit: 6 });
  const outside = order("ATC/B01AB01", { visit: null });
  t.same(await classes([own, diagnosis, other, outside]), ["C10A"]);
  t.same(await label([other, outside]), [], "a stay without an order is left out");
  const early = order("ATC/B01AB01", { time: "2149-12-31 20:00" });
  t.same(await classes([early]), ["B01A"], "an order belongs to the stay it was written for");
});

t.test(
  "the flow names the last rule; the stay's drugs are hidden; the option has bounds",
  async (t) => {
    const steps = await cohortOf(drugrecAtc, {
      subjects: [{ id: 1 }],
      visits: [visit, { ...visit, id: 6 }],
      events: [order("ATC/J01XA01")],
    });
    t.same(steps.at(-1), { step: "with any drug order", samples: 1 });
    t.same(drugrecAtc.history.hideIndexVisit, ["drug"]);
    t.throws(() => drugrecAtc.labels({ level: 5 }), { message: /level.*from 3 to 4/ });
  },
);
