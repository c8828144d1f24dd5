/** The task of the paper's 24 phenotypes from the user's files: PrimeKG, and the code table published with MedTok. */
import { existsSync } from "node:fs";
import { BenchError } from "../core/errors.ts";
import { unknownName } from "../core/registry.ts";
import type { TaskDefinition } from "../core/task.ts";
import { readCodeNodes, readNodeNames } from "../Dataset/knowledge/primekg.ts";
import {
  type NodePhenotype,
  PHENOTYPE_24,
  PHENOTYPE_NODES,
  phenotype24,
} from "../tasks/phenotype-24.ts";

const INPUTS: Readonly<Record<string, string>> = {
  kg: "PrimeKG's kg.csv or nodes.csv",
  codes: "all_codes_mappings.parquet, published with MedTok (columns med_code, pkg_index_list)",
};

/** The file of an input. @throws BenchError when it was not given or is not there. */
function inputFile(inputs: Readonly<Record<string, string>>, name: keyof typeof INPUTS): string {
  const file = inputs[name];
  if (file !== undefined && existsSync(file)) return file;
  throw new BenchError({
    what:
      file === undefined
        ? `task ${PHENOTYPE_24} needs ${INPUTS[name]}: its classes are numbers of nodes (${PHENOTYPE_NODES.slice(0, 3).join(", ")}, ...), whose names and codes the paper's code does not come with`
        : `the file ${file} does not exist`,
    where: `--task-input ${name}=FILE`,
    fix: "give --task-input kg=kg.csv --task-input codes=all_codes_mappings.parquet (docs/paper-protocol.md says where they are); or use --task phenotype, the 25 CCS groups",
    exitCode: 2,
  });
}

/** @throws BenchError for files that are missing or not what they should be, or lack a node of the index. */
export async function paperPhenotypes(
  inputs: Readonly<Record<string, string>>,
): Promise<TaskDefinition> {
  for (const name of Object.keys(inputs)) {
    if (!Object.hasOwn(INPUTS, name)) throw unknownName("input", name, Object.keys(INPUTS));
  }
  const [kg, table] = [inputFile(inputs, "kg"), inputFile(inputs, "codes")];
  const names = await readNodeNames(kg, PHENOTYPE_NODES);
  const missing = PHENOTYPE_NODES.filter((node) => !names.has(node));
  if (missing.length > 0) {
    throw new BenchError({
      what: `${missing.length} of the 24 nodes are not in the file, ${missing[0]} for one`,
      where: kg,
      fix: `give ${INPUTS["kg"]} as published; other versions number their nodes otherwise`,
      exitCode: 2,
    });
  }
  const { code, offset, node } = await readCodeNodes(table);
  const codesOf = new Map<number, Set<string>>(PHENOTYPE_NODES.map((one) => [one, new Set()]));
  for (const [row, name] of code.entries()) {
    for (let i = offset[row] as number; i < (offset[row + 1] as number); i++) {
      codesOf.get(node[i] as number)?.add(name.trim());
    }
  }
  const phenotypes: NodePhenotype[] = PHENOTYPE_NODES.map((one) => ({
    name: names.get(one) ?? "",
    codes: [...(codesOf.get(one) ?? [])].filter((name) => !/\s/.test(name)).sort(),
  }));
  if (phenotypes.every(({ codes }) => codes.length === 0)) {
    throw new BenchError({
      what: "no code has any of the 24 nodes",
      where: table,
      fix: `give ${INPUTS["codes"]}`,
      exitCode: 2,
    });
  }
  return phenotype24(phenotypes);
}
