import { models } from "../../ehr-models/index.ts";
import { tasks } from "../../tasks/index.ts";
import { defineCommand } from "../command.ts";
import { print, table } from "../output.ts";

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
    print(json, rows, () =>
      table(
        ["model", "what it is", "tasks", "hyperparameters"],
        rows.map((r) => [
          r.name,
          r.description,
          r.tasks.join("\n"),
          Object.entries(r.hyperparameters)
            .map(([k, v]) => `${k}=${v}`)
            .join("\n"),
        ]),
      ),
    );
  },
});
