/** Which of a source's layouts a root has; told by its files, never by a flag. */
import { join } from "node:path";
import type { AlternativeLayout, DatasetDefinition } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import { entries, filePattern, findFiles } from "./find-files.ts";
import { checkRoot } from "./raw-files.ts";

/**
 * The definition with the layout of `root` in its place; unchanged for a source with one layout.
 * @throws BenchError when the root has none of the layouts, or several.
 */
export function chooseLayout(
  source: DatasetDefinition,
  root: string,
): { definition: DatasetDefinition; layout: string | undefined } {
  const { layouts, ...rest } = source;
  if (layouts === undefined) return { definition: source, layout: undefined };
  checkRoot(source, root);
  const found = layouts.filter((layout) => isLayout(layout, root));
  if (found.length > 1) {
    throw new BenchError({
      what: `files of ${found.map((l) => l.layout).join(" and of ")} lie in the same folder`,
      where: `${root}, raw files of ${source.name}`,
      fix: "give a folder that holds one of them with --root",
    });
  }
  const chosen = found[0];
  if (chosen === undefined) throw noLayout(source, layouts, root);
  const { layout, root: _, recognisedBy: __, ...parts } = chosen;
  // What one layout has and another lacks must not be left over from the source's own.
  const { views, drugs, splits, publishedLabels, ...named } = rest;
  return { definition: { ...named, ...parts }, layout };
}

function isLayout(layout: AlternativeLayout, root: string): boolean {
  return layout.recognisedBy.every((name) => {
    const table = layout.tables[name];
    return table !== undefined && findFiles(root, table).length > 0;
  });
}

function noLayout(
  source: DatasetDefinition,
  layouts: readonly AlternativeLayout[],
  root: string,
): BenchError {
  const deeper = entries(root)
    .filter((e) => e.isDirectory())
    .map((e) => join(root, e.name))
    .filter((folder) => layouts.some((layout) => isLayout(layout, folder)));
  const known = layouts.map((layout) => {
    const files = layout.recognisedBy.map((name) => {
      const table = layout.tables[name];
      return table === undefined ? "" : filePattern(table);
    });
    return `${layout.layout} (${files.join(", ")})`;
  });
  return new BenchError({
    what: `the folder has none of the layouts of ${source.name}: ${known.join("; ")}`,
    where: root,
    fix:
      deeper.length === 0
        ? `get the files from ${source.homepage}, or give ${layouts.map((l) => l.root).join(", or ")} with --root`
        : `use --root ${deeper.join(", or --root ")}`,
  });
}
