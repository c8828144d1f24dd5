/** `tasks`: the tasks with their rules, from their registry. */
import type { TaskDefinition } from "../../core/task.ts";
import { tasks } from "../../tasks/index.ts";
import { defineCommand } from "../command.ts";
import { print } from "../output.ts";
import { flawsOf } from "../protocol.ts";

export const tasksCommand = defineCommand({
  name: "tasks",
  describe: "The prediction tasks: cohort, prediction time, label, and the datasets they work for",
  examples: [
    ["tasks", "what each task asks, with its rules"],
    ["tasks --json", "the same for machines"],
  ],
  options: {},
  async run({ json }) {
    const rows = tasks.all.map((task) => ({
      name: task.name,
      version: task.version,
      description: task.description,
      kind: task.labelSpec.kind,
      classes: task.labelSpec.classes,
      main_metric: task.mainMetric,
      datasets: task.datasets,
      options: task.options,
      hides_of_index_visit: task.history.hideIndexVisit,
      rules: task.rules,
      paper_flaws: Object.fromEntries(
        task.datasets.map((dataset) => [dataset, flawsOf(task, dataset)]),
      ),
      reference: task.reference,
    }));
    print(json, rows, () => rows.map(describe).join("\n\n"));
  },
});

function describe(task: {
  name: string;
  version: number;
  description: string;
  kind: string;
  classes: readonly string[];
  datasets: readonly string[];
  options: TaskDefinition["options"];
  rules: readonly string[];
}): string {
  const classes = task.classes.length > 1 ? `, ${task.classes.length} classes` : "";
  return [
    `${task.name} (version ${task.version}; ${task.kind}${classes}; ${task.datasets.join(", ")})`,
    `  ${task.description}`,
    ...task.rules.map((rule) => `  - ${rule}`),
    ...Object.entries(task.options).map(
      ([name, { default: standard, min, max, description }]) =>
        `  --task-option ${name}=${standard} (${min} to ${max}): ${description}`,
    ),
  ].join("\n");
}
