/**
 * The labels of protocol `paper` with all its flaws once more, from the raw files with plain loops: only
 * admissions with an ICU stay and codes of three kinds, the first sample of each patient who has a next one.
 */
import type { SecondLabel } from "./second-computation.ts";
import type { Demo } from "./second-raw.ts";

const DAY = 24 * 3600 * 1000;

function lengthClass(days: number): number {
  if (days <= 7) return Math.floor(days);
  return days < 15 ? (days < 8 ? 7 : 8) : 9;
}

export function secondPaperLabels(
  demo: Demo,
  task: "mortality" | "readmission" | "los",
): SecondLabel[] {
  const visitsIn = (rows: readonly Record<string, string>[]) =>
    new Set(rows.map((row) => Number(row["hadm_id"])));
  const tables = [demo.icu, demo.diagnoses, demo.procedures, demo.prescriptions].map(visitsIn);
  const labels: SecondLabel[] = [];
  for (const all of demo.patients) {
    const kept = all.filter((visit) => tables.every((table) => table.has(visit.id)));
    const [first, next] = kept;
    if (first === undefined || next === undefined) continue;
    const days = (first.to - first.from) / DAY;
    const answers = {
      mortality: next.dead ? [0] : [],
      readmission: Math.floor((next.from - first.from) / DAY) <= 15 ? [0] : [],
      los: [lengthClass(days)],
    };
    labels.push({
      subject: first.subject,
      time: task === "los" ? first.from : first.to,
      visit: first.id,
      positive: answers[task],
    });
  }
  return labels;
}
