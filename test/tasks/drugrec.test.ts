import t from "tap";
import { drugrec } from "../../tasks/drugrec.ts";
import type { HandEvent } from "../support/hand-store.ts";
import { labelsOf } from "../support/labels-of.ts";

const visit = { subject: 1, id: 5, start: "2150-01-01 10:00", end: "2150-01-09 12:00" };
const order = (text: string | null, route: string | null, more: Partial<HandEvent> = {}) => ({
  subject: 1,
  time: "2150-01-02 00:00",
  code: `MIMIC_DRUG/${text}`,
  kind: "drug" as const,
  visit: 5,
  text,
  route,
  drugType: "MAIN",
  ...more,
});

function label(...events: HandEvent[]) {
  return labelsOf(drugrec, { subjects: [{ id: 1 }], visits: [visit], events });
}

async function drugs(...events: HandEvent[]): Promise<string[]> {
  const labels = await label(...events);
  t.equal(labels.length, 1);
  return (labels[0]?.[2] ?? []).map((i) => drugrec.labelSpec.classes[i] ?? "");
}

t.test("asks at discharge; a stay with none of the five drugs is kept", async (t) => {
  t.same(await label(order("Furosemide", "IV")), [[5, "2150-01-09 12:00:00", []]]);
});

t.test(
  "a stay without any drug order, or with orders of other stays only, is left out",
  async (t) => {
    const diagnosis = order("Heparin", "IV", { kind: "diagnosis", code: "ICD9CM/410.71" });
    t.same(await label(diagnosis), []);
    t.same(await label(order("Heparin", "IV", { visit: 6 })), []);
    t.same(await label(order("Heparin", "IV", { visit: null })), []);
  },
);

t.test("names all five, in the order of the classes, whatever the letter case", async (t) => {
  t.same(
    await drugs(
      order("LIPITOR", "PO"),
      order("Toprol XL", "PO"),
      order("Metoprolol Tartrate", "PO/NG"),
      order("Heparin Sodium", "IV"),
      order("levofloxacin", "PO"),
      order("Vancomycin HCl", "IV"),
    ),
    ["vancomycin", "levofloxacin", "heparin", "metoprolol", "atorvastatin"],
  );
});

t.test("vancomycin counts into the vein, not by mouth, tube, rectum or eye", async (t) => {
  t.same(await drugs(order("Vancomycin", "IV")), ["vancomycin"]);
  t.same(await drugs(order("Vancomycin", null)), ["vancomycin"], "route unknown");
  for (const route of ["PO", "PO/NG", "NG", "PR", "LEFT EYE", "BOTH EYES", "OU", "po"]) {
    t.same(await drugs(order("Vancomycin", route)), [], route);
  }
  for (const name of ["Vancomycin Oral Liquid", "Vancomycin Enema", "Vancomycin Lock"]) {
    t.same(await drugs(order(name, "IV")), [], name);
  }
});

t.test("one systemic order among oral ones is enough", async (t) => {
  t.same(await drugs(order("Vancomycin", "PO"), order("Vancomycin", "IV")), ["vancomycin"]);
});

t.test("heparin to flush, lock or prime does not count, heparin itself does", async (t) => {
  for (const name of [
    "Heparin Flush (10 units/ml)",
    "Heparin Lock Flush",
    "Heparin Dwell (1000 Units/mL)",
    "Heparin (CRRT Machine Priming)",
    "Heparin (IABP)",
    "Heparin (Hemodialysis)",
  ]) {
    t.same(await drugs(order(name, "IV")), [], name);
  }
  t.same(await drugs(order("Heparin", "SC")), ["heparin"]);
  t.same(await drugs(order("Low dose heparin", "SC")), [], "names begin with the drug");
});

t.test("levofloxacin eye drops do not count", async (t) => {
  t.same(await drugs(order("Levofloxacin 0.5% Ophth", "RIGHT EYE")), []);
});

t.test("carrier fluids do not count, additions and unknown types do", async (t) => {
  t.same(await drugs(order("Heparin", "IV", { drugType: "BASE" })), []);
  t.same(await drugs(order("Heparin", "IV", { drugType: "ADDITIVE" })), ["heparin"]);
  t.same(await drugs(order("Heparin", "IV", { drugType: null })), ["heparin"]);
});

t.test("an order belongs to the stay it was written for, also outside its times", async (t) => {
  t.same(await drugs(order("Heparin", "IV", { time: "2149-12-31 20:00" })), ["heparin"]);
  t.same(await drugs(order("Heparin", "IV", { time: "2150-01-12 08:00" })), ["heparin"]);
});

t.test("an order without a name is an order of no candidate drug", async (t) => {
  t.same(await drugs(order(null, null)), []);
});

t.test("the index visit's drugs are hidden, its diagnoses and procedures are not", (t) => {
  t.same(drugrec.history.hideIndexVisit, ["drug"]);
  t.end();
});
