/**
 * Tables 3 and 4 of Su et al., Multimodal Medical Code Tokenizer (arXiv:2502.04397v2; ICML 2025): AUPRC, mean
 * and standard deviation over runs, whose number is not stated. Facts as printed.
 */

export const PAPER_TABLES = ["table3", "table4"] as const;
export type PaperTable = (typeof PAPER_TABLES)[number];

/** The paper's models, by their names here, in its order. */
export const PAPER_MODELS = ["ethos", "gt-behrt", "mult-ehr", "transformehr", "behrt"] as const;

/** Mean and standard deviation. */
export interface PaperValue {
  readonly mean: number;
  readonly sd: number;
}

/** A model on a task of a dataset; null where the table says N/A. */
export interface PaperCell {
  readonly table: PaperTable;
  readonly dataset: string;
  /** The task here; of EHRSHOT the paper's length of stay, over 7 days or not, is `long-los`. */
  readonly task: string;
  readonly model: string;
  readonly baseline: PaperValue | null;
  readonly medtok: PaperValue | null;
}

/** Table, dataset, task, and for each of PAPER_MODELS baseline's mean and deviation, then MedTok's. */
const PRINTED = `
table3 mimic3 mortality | .617 .010 .634 .020 | .160 .037 .193 .046 | .136 .021 .156 .025 | .207 .012 .246 .044 | .163 .037 .220 .025
table3 mimic3 readmission | .421 .007 .463 .017 | .612 .058 .623 .052 | .574 .008 .585 .016 | .527 .030 .568 .036 | .529 .053 .574 .040
table3 mimic3 los | N/A | .230 .010 .287 .039 | .176 .018 .198 .011 | .132 .021 .159 .031 | .232 .015 .251 .030
table3 mimic3 phenotype | N/A | .423 .002 .459 .028 | .460 .012 .480 .002 | .469 .022 .513 .024 | .587 .004 .603 .008
table3 mimic3 drugrec | .104 .008 .170 .014 | .715 .002 .740 .004 | .523 .008 .571 .006 | .533 .030 .580 .035 | .539 .013 .558 .006
table3 mimic4 mortality | .282 .001 .412 .030 | .028 .004 .034 .005 | .120 .003 .141 .013 | .042 .012 .058 .007 | .028 .003 .032 .006
table3 mimic4 readmission | .648 .005 .690 .007 | .586 .070 .609 .064 | .515 .007 .565 .002 | .518 .012 .525 .017 | .514 .015 .515 .005
table3 mimic4 los | N/A | .103 .001 .114 .003 | .118 .032 .136 .030 | .119 .001 .121 .002 | .112 .003 .137 .004
table3 mimic4 phenotype | N/A | .493 .005 .512 .006 | .498 .001 .504 .001 | .507 .007 .518 .012 | .493 .006 .504 .006
table3 mimic4 drugrec | .131 .005 .240 .012 | .736 .007 .783 .010 | .445 .027 .465 .003 | .612 .046 .661 .092 | .778 .014 .792 .007
table4 ehrshot long-los | N/A | .714 .021 .739 .025 | .539 .025 .571 .015 | .652 .023 .675 .018 | .582 .032 .723 .028
table4 ehrshot readmission | .079 .017 .128 .025 | .115 .012 .154 .013 | .125 .014 .188 .021 | .197 .016 .243 .016 | .332 .022 .397 .036
table4 ehrshot mortality | .102 .018 .339 .010 | .239 .012 .444 .015 | .397 .016 .444 .012 | .344 .030 .379 .034 | .389 .018 .431 .017
table4 ehrshot new-hypertension | .166 .020 .175 .019 | .303 .018 .360 .012 | .218 .005 .226 .006 | .376 .018 .413 .026 | .233 .027 .287 .018
table4 ehrshot new-hyperlipidemia | .155 .031 .163 .025 | .239 .007 .441 .005 | .243 .005 .254 .021 | .305 .021 .333 .018 | .251 .019 .302 .015
table4 ehrshot new-pancreatic-cancer | .056 .006 .056 .013 | .044 .008 .074 .010 | .022 .008 .037 .015 | .053 .006 .082 .012 | .036 .008 .057 .012
table4 ehrshot new-acute-mi | .093 .011 .104 .017 | .015 .008 .031 .015 | .017 .003 .028 .014 | .025 .006 .052 .017 | .013 .031 .036 .015
`;

function valuesOf(cell: string): Pick<PaperCell, "baseline" | "medtok"> {
  if (cell === "N/A") return { baseline: null, medtok: null };
  const [mean = 0, sd = 0, ours = 0, oursSd = 0] = cell.split(" ").map(Number);
  return { baseline: { mean, sd }, medtok: { mean: ours, sd: oursSd } };
}

function cellsOf(line: string): PaperCell[] {
  const [where = "", ...cells] = line.split(" | ");
  const [table, dataset = "", task = ""] = where.split(" ");
  return PAPER_MODELS.map((model, i) => ({
    ...{ table: table === "table3" ? "table3" : "table4", dataset, task, model },
    ...valuesOf(cells[i] ?? "N/A"),
  }));
}

export const PAPER_CELLS: readonly PaperCell[] = PRINTED.trim().split("\n").flatMap(cellsOf);
