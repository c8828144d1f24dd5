/** `datasets`: the sources, from their registry; nothing is read. */
import { datasets } from "../../Dataset/index.ts";
import { tasks } from "../../tasks/index.ts";
import { defineCommand } from "../command.ts";
import { print } from "../output.ts";

export const datasetsCommand = defineCommand({
  name: "datasets",
  describe: "The sources that can be read, and the tasks defined for each",
  examples: [
    ["datasets", "list them"],
    ["datasets --json", "with licence, releases and raw files"],
  ],
  options: {},
  async run({ json }) {
    const rows = datasets.all.map((d) => ({
      name: d.name,
      title: d.title,
      version: d.version,
      releases: d.releases,
      licence: d.licence,
      homepage: d.homepage,
      citation: d.citation,
      files: Object.values(d.tables).map((t) => ({ file: t.file, required: t.optional !== true })),
      variable: `MEDTOK_BENCH_${d.name.toUpperCase()}`,
      tasks: tasks.all.filter((task) => task.datasets.includes(d.name)).map((task) => task.name),
    }));
    print(json, rows, () =>
      rows
        .map((r) =>
          [
            `${r.name}: ${r.title}, ${r.releases.join("; ")}`,
            `  files    --root DIR or ${r.variable}; ${r.homepage}`,
            `  tasks    ${r.tasks.join(", ")}`,
          ].join("\n"),
        )
        .join("\n\n"),
    );
  },
});
