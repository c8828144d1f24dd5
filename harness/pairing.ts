/** Which dataset, task and model go together; any other pair is refused with the reason. */
import { BenchError } from "../core/errors.ts";
import type { ModelDefinition } from "../core/model.ts";
import type { TaskDefinition } from "../core/task.ts";
import { datasets } from "../Dataset/index.ts";
import { tasks } from "../tasks/index.ts";

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

/** @throws BenchError when the model cannot do this kind of task. */
export function checkModel(model: ModelDefinition, task: TaskDefinition): void {
  if (model.accepts.includes(task.labelSpec.kind)) return;
  throw new BenchError({
    what: `model ${model.name} cannot do ${task.name}, a ${task.labelSpec.kind} task`,
    where: "--model",
    fix: `choose a task of kind ${model.accepts.join(" or ")}, or another model (see medtok-bench models)`,
    exitCode: 2,
  });
}
