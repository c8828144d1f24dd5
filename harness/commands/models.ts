/** `models`: the models with their settings, and which tasks each refuses and why. */
import type { Hyperparameters, ModelDefinition } from "../../core/model.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { models } from "../../ehr-models/index.ts";
import { tasks } from "../../tasks/index.ts";
import { tokenizers } from "../../tokenizers/index.ts";
import { defineCommand } from "../command.ts";
import { taskOptions } from "../options.ts";
import { print } from "../output.ts";
import { refusal } from "../pairing.ts";

export const modelsCommand = defineCommand({
  name: "models",
  describe: "The models, their hyperparameters, and the tasks each can do",
  examples: [
    ["models", "list them"],
    ["models --json", "with hyperparameters, presets and references"],
  ],
  options: {},
  async run({ json }) {
    const rows = models.all.map((m) => ({
      name: m.name,
      version: m.version,
      description: m.description,
      reference: m.reference,
      accepts: m.accepts,
      tasks: tasks.all.filter((t) => reasonFor(m, t) === null).map((t) => t.name),
      refused: Object.fromEntries(
        tasks.all.flatMap((t) => {
          const reason = reasonFor(m, t);
          return reason === null ? [] : [[t.name, reason]];
        }),
      ),
      tokenizers: tokenizers.all
        .filter((k) => tasks.all.some((t) => reasonFor(m, t, k) === null))
        .map((k) => k.name),
      files: m.files ?? {},
      hyperparameters: m.defaults,
      presets: m.presets,
    }));
    print(json, rows, () => rows.map(describe).join("\n\n"));
  },
});

/** Why a model cannot do a task, with the baseline tokenizer unless another is given. */
const reasonFor = (m: ModelDefinition, t: TaskDefinition, k = tokenizers.get("baseline")) =>
  refusal(m, t, taskOptions(t, []), k);

function describe(model: {
  name: string;
  version: number;
  description: string;
  reference: string;
  tasks: readonly string[];
  refused: Readonly<Record<string, string>>;
  hyperparameters: Hyperparameters;
  presets: Readonly<Record<string, Hyperparameters>>;
}): string {
  const values = Object.entries(model.hyperparameters).map(([name, value]) => `${name}=${value}`);
  return [
    `${model.name} (version ${model.version}): ${model.description}`,
    `  after     ${model.reference}`,
    `  tasks     ${model.tasks.join(", ")}`,
    ...Object.entries(model.refused).map(([task, reason]) => `  not       ${task}: ${reason}`),
    `  presets   ${Object.keys(model.presets).join(", ")}`,
    `  --set     ${values.join(" ")}`,
  ].join("\n");
}
