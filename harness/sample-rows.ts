/** Where the subjects and visits that labels name lie in the timelines, and which kinds of codes a task hides. */
import type { CodeKind } from "../core/event-store.ts";
import type { Labels } from "../core/label.ts";
import { kindIndex } from "./code-table.ts";
import type { Timelines } from "./timelines.ts";

/** [S] row of each label's subject. */
export function subjectRows(labels: Labels, timelines: Timelines): Int32Array {
  const row = new Map<number, number>();
  for (const [i, id] of timelines.subject.entries()) row.set(id, i);
  return Int32Array.from(labels.subject, (id) => {
    const found = row.get(id);
    if (found === undefined) throw new Error("a label's subject has no timeline");
    return found;
  });
}

/** [S] row of each label's visit, -1 where it has none. */
export function indexVisits(labels: Labels, timelines: Timelines): Int32Array {
  const row = new Map<number, number>();
  for (const [i, id] of timelines.visitId.entries()) row.set(id, i);
  return Int32Array.from(labels.visit, (id) => row.get(id) ?? -1);
}

/** [kinds] 1 for each of these. */
export function hiddenKinds(kinds: readonly CodeKind[]): Uint8Array {
  const hidden = new Uint8Array(256);
  for (const kind of kinds) hidden[kindIndex(kind)] = 1;
  return hidden;
}
