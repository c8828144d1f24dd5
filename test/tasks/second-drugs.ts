/** The second computation's labels about drugs. */
import { each, type SecondLabel } from "./second-computation.ts";
import type { Demo, Row } from "./second-raw.ts";

function vancomycinElsewhere(name: string, route: string): boolean {
  const words = /oral|enema|capsule|lock|ophth|ear drops|intrathecal|intraventricular/;
  return words.test(name) || ["PO", "PO/NG", "NG", "PR"].includes(route);
}

/** Position of the candidate drug that a prescription row orders; -1 for any other drug. */
function candidateOf(row: Row): number {
  if (row["drug_type"] === "BASE") return -1;
  const name = (row["drug"] ?? "").toLowerCase();
  const route = row["route"] ?? "";
  const eye = /EYE|^O[SDU]$/.test(route);
  if (name.startsWith("vancomycin")) return eye || vancomycinElsewhere(name, route) ? -1 : 0;
  if (name.startsWith("levofloxacin")) return eye ? -1 : 1;
  if (name.startsWith("heparin")) {
    return /flush|lock|dwell|priming|crrt|iabp|impella|hemodialysis/.test(name) ? -1 : 2;
  }
  if (/^(metoprolol|toprol)/.test(name)) return 3;
  return /^(atorvastatin|lipitor)/.test(name) ? 4 : -1;
}

export function drugrecLabels(demo: Demo): SecondLabel[] {
  const ordered = new Map<number, boolean[]>();
  for (const row of demo.prescriptions) {
    const visit = Number(row["hadm_id"]);
    const drugs = ordered.get(visit) ?? [false, false, false, false, false];
    ordered.set(visit, drugs);
    const candidate = candidateOf(row);
    if (candidate >= 0) drugs[candidate] = true;
  }
  return each(demo, (visit) => {
    const drugs = ordered.get(visit.id);
    if (drugs === undefined) return [];
    return [[visit.to, drugs.flatMap((yes, i) => (yes ? [i] : []))]];
  });
}

/**
 * Classes of the drugs of each admission with a prescription row. `atcOf` names a row's drug as the event
 * store does (it is the map that is taken as given here, not the labels); classes are the first characters.
 */
export function drugClassLabels(
  demo: Demo,
  classes: readonly string[],
  atcOf: (row: Row) => string | null,
): SecondLabel[] {
  const length = classes[0]?.length ?? 0;
  const given = new Map<number, Set<number>>();
  for (const row of demo.prescriptions) {
    const visit = Number(row["hadm_id"]);
    const found = given.get(visit) ?? new Set<number>();
    given.set(visit, found);
    const atc = row["drug_type"] === "BASE" ? null : atcOf(row);
    const number = classes.indexOf(atc?.slice(0, length) ?? "");
    if (number >= 0) found.add(number);
  }
  return each(demo, (visit) => {
    const found = given.get(visit.id);
    return found === undefined ? [] : [[visit.to, [...found].sort((a, b) => a - b)]];
  });
}
