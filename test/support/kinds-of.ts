/** Which made-up questions a registered model answers. */
import type { LabelKind } from "../../core/label.ts";
import type { ModelDefinition } from "../../core/model.ts";
import type { Outcome } from "../../core/task.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { LABELS } from "./samples.ts";

/** The signal codes, as events that a generated future could hold. */
export function outcomeFor(kind: LabelKind): Outcome {
  const all = [["CODE/000"], ["CODE/001"], ["CODE/002"]];
  return { classes: all.slice(0, LABELS[kind].classes.length), until: [], withinDays: 30 };
}

/** The label kinds a model takes. */
export function kindsOf({ accepts, refuses }: ModelDefinition): LabelKind[] {
  return accepts.filter((kind) => {
    const target = { labels: LABELS[kind], outcome: outcomeFor(kind) };
    return (refuses?.(target, tokenizers.get("baseline")) ?? null) === null;
  });
}
