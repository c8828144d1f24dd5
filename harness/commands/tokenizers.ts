/** `tokenizers`: the tokenizers, from their registry. */
import { tokenizers } from "../../tokenizers/index.ts";
import { defineCommand } from "../command.ts";
import { print, table } from "../output.ts";

export const tokenizersCommand = defineCommand({
  name: "tokenizers",
  describe: "The tokenizers of medical codes",
  examples: [["tokenizers", "list them"]],
  options: {},
  async run({ json }) {
    const rows = tokenizers.all.map(
      ({ name, version, description, reference, defaults, presets, files }) => ({
        name,
        version,
        description,
        reference,
        options: defaults,
        presets,
        files: files ?? {},
      }),
    );
    print(json, rows, () =>
      table(
        ["tokenizer", "what it is", "reference"],
        rows.map((r) => [r.name, r.description, r.reference]),
      ),
    );
  },
});
