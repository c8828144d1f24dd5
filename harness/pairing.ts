/** Which dataset, task and model go together; any other pair is refused with the reason. */
import { BenchError } from "../core/errors.ts";
import type { ModelDefinition } from "../core/model.ts";
import type { TaskDefinition, TaskOptions } from "../core/task.ts";
import type { TokenizerDefinition } from "../core/tokenizer.ts";
import { datasets } from "../Dataset/index.ts";
import { tasks } from "../tasks/index.ts";
import { labelSpecOf } from "./labels.ts";

/** @throws BenchError when the dataset is unknown or the task is not defined for it. */
export function checkTask(task: TaskDefinition, dataset: string): void {
  if (task.datasets.includes(datasets.get(dataset).name)) return;
  const others = tasks.all.filter((t) => t.datasets.includes(dataset)).map((t) => t.name);
  throw new BenchError({
    what: `task ${task.name} is not defined for dataset ${dataset}`,
    where: "--task",
    fix: `use one of its datasets (${task.datasets.join(", ")}), or another task: ${others.join(", ")}`,
    exitCode: 2,
  });
}

/** Why a model cannot do a task with a tokenizer; null when it can. */
export function refusal(
  model: ModelDefinition,
  task: TaskDefinition,
  options: TaskOptions,
  tokenizer: TokenizerDefinition,
): string | null {
  const { kind } = task.labelSpec;
  if (!model.accepts.includes(kind)) return `it does ${model.accepts.join(" and ")} tasks only`;
  const target = { labels: labelSpecOf(task, options), outcome: task.outcome?.(options) ?? null };
  return model.refuses?.(target, tokenizer) ?? null;
}

/** @throws BenchError when the model cannot do the task with the tokenizer. */
export function checkModel(
  model: ModelDefinition,
  task: TaskDefinition,
  options: TaskOptions,
  tokenizer: TokenizerDefinition,
): void {
  const reason = refusal(model, task, options, tokenizer);
  if (reason === null) return;
  throw new BenchError({
    what: `model ${model.name} cannot do ${task.name} (${task.labelSpec.kind}) with tokenizer ${tokenizer.name}: ${reason}`,
    where: "--model",
    fix: "choose another task, tokenizer or model (medtok-bench models says which go together)",
    exitCode: 2,
  });
}
