/**
 * The 24 phenotypes of the MedTok paper's own index. Each is a node of PrimeKG, and a stay has it when the node
 * is among those of one of its diagnoses; neither the names of the nodes nor the codes' nodes are in the
 * release of the paper's code, so that the task is made of the user's files.
 */
import { shortHash } from "../core/hash.ts";
import type { TaskDefinition } from "../core/task.ts";
import { overStays } from "./cohort.ts";
import { PHENOTYPE_FLAWS, PHENOTYPE_RULES, phenotypeCohort } from "./phenotype-cohort.ts";

export const PHENOTYPE_24 = "phenotype-24";

/** The index: position -> node. Positions 4 and 17 are the same node. */
export const PHENOTYPE_NODES: readonly number[] = [
  ...[64551, 35671, 83824, 69055, 88494, 37617, 74141, 97052, 64134, 86138, 94136, 64663],
  ...[64274, 36035, 63240, 64000, 38437, 88494, 64002, 85058, 62455, 85285, 34669, 90591],
];

export interface NodePhenotype {
  /** PrimeKG's name of the node. */
  readonly name: string;
  /** Diagnosis codes that have the node, with their dots and without a vocabulary, as the table writes them. */
  readonly codes: readonly string[];
}

function classNames(phenotypes: readonly NodePhenotype[]): string[] {
  const names = phenotypes.map(({ name }) => name.replaceAll("|", "/"));
  return names.map((name, i) => (names.indexOf(name) < i ? `${name} (position ${i})` : name));
}

/** Codes carry no system in the table, so that one string stands for the codes of both versions. */
function phenotypeCodes(phenotypes: readonly NodePhenotype[]): string {
  const lists = phenotypes.map(
    ({ codes }, i) => `(${i}, '${codes.join(" ").replaceAll("'", "''")}')`,
  );
  return `lists(phenotype, listed) AS (VALUES
  ${lists.join(",\n  ")}
),
listed_codes AS (
  SELECT phenotype, unnest(string_split(listed, ' ')) AS dotted FROM lists WHERE listed <> ''
),
phenotype_codes AS (
  SELECT codes.code, listed_codes.phenotype
  FROM codes
  JOIN listed_codes ON listed_codes.dotted = codes.code[strpos(codes.code, '/') + 1:]
  WHERE codes.kind = 'diagnosis'
)`;
}

/** The task over these phenotypes, in the order of PHENOTYPE_NODES. */
export function phenotype24(phenotypes: readonly NodePhenotype[]): TaskDefinition {
  return {
    name: PHENOTYPE_24,
    version: 1,
    definitionHash: shortHash(JSON.stringify(phenotypes)),
    description:
      "At the end of the ICU stay: which of the paper's 24 phenotypes will be linked to a diagnosis of this admission?",
    reference:
      "Su et al. 2025, arXiv:2502.04397, phenotype_index.json of its code; nodes of PrimeKG (Chandak et al. 2023)",
    labelSpec: { kind: "multilabel", classes: classNames(phenotypes) },
    datasets: ["mimic3", "mimic4", "meds"],
    options: {},
    history: { hideIndexVisit: ["diagnosis"] },
    rules: [
      ...PHENOTYPE_RULES,
      "Positive for a phenotype when its node is among the nodes that the code table gives one of the admission's diagnoses. Codes are compared as the table writes them, without their system.",
      "24 positions, of which two are the same node and so the same class twice.",
      "The admission's own diagnoses are hidden, since they are the answer; admissions without any of the phenotypes stay in.",
    ],
    ...overStays((_, flaws) => phenotypeCohort(flaws, phenotypeCodes(phenotypes)), PHENOTYPE_FLAWS),
  };
}
