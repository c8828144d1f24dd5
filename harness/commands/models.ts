import type { Hyperparameters } from "../../core/model.ts";
import { models } from "../../ehr-models/index.ts";
import { tasks } from "../../tasks/index.ts";
import { defineCommand } from "../command.ts";
import { print } from "../output.ts";

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
      tasks: tasks.all.filter((t) => m.accepts.includes(t.labelSpec.kind)).map((t) => t.name),
      hyperparameters: m.defaults,
      presets: m.presets,
    }));
    print(json, rows, () => rows.map(describe).join("\n\n"));
  },
});

function describe(model: {
  name: string;
  version: number;
  description: string;
  reference: string;
  tasks: readonly string[];
  hyperparameters: Hyperparameters;
  presets: Readonly<Record<string, Hyperparameters>>;
}): string {
  const values = Object.entries(model.hyperparameters).map(([name, value]) => `${name}=${value}`);
  return [
    `${model.name} (version ${model.version}): ${model.description}`,
    `  after     ${model.reference}`,
    `  tasks     ${model.tasks.join(", ")}`,
    `  presets   ${Object.keys(model.presets).join(", ")}`,
    `  --set     ${values.join(" ")}`,
  ].join("\n");
}
