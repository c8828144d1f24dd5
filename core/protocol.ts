/**
 * The two protocols. `strict` is this benchmark's own and has no flaws. `paper` does what the code released
 * with the MedTok paper does, each known flaw by a name of its own, so that its effect can be measured alone:
 * with no flaw switched on, `paper` gives what `strict` gives. docs/paper-protocol.md says more.
 */

export type Protocol = "strict" | "paper";

export interface FlawInfo {
  /** What the paper's code does, one sentence. */
  readonly what: string;
  /** Left out: on every dataset. */
  readonly datasets?: readonly string[];
}

export const FLAWS = {
  "filtered-visits": {
    what: "Only admissions with an ICU stay, a diagnosis, a procedure and a drug exist; the next visit is the next of these, however many lie between.",
    datasets: ["mimic3", "mimic4", "meds"],
  },
  "no-exclusions": {
    what: "Minors, stays that end in death and stays whose outcome is visible are samples.",
  },
  "returning-patients-only": {
    what: "The last visit of a patient is never a sample, so only patients who come back are studied.",
  },
  "first-sample-only": { what: "Of each patient only the first sample is used." },
  "cohort-by-label": {
    what: "Samples without a positive class are dropped; for phenotypes, their whole patient.",
  },
  "admission-to-admission": {
    what: "Readmission is counted in whole days from admission to next admission, so a long stay uses the window up.",
  },
  "prevalent-cases": {
    what: "A diagnosis counts as new when it was made before, and only in the next visit, counted from this admission.",
  },
  "partial-code-list": {
    what: "Of acute myocardial infarction, 410.x2, I21.2, I21.A and I22 are missing.",
  },
  "phenotypes-out-of-order": {
    what: "Phenotypes are listed by admission id and attached to visits in order of time.",
  },
  "ever-died": {
    what: "Mortality is whether the patient has a death date at all, with the whole record visible, death included.",
    datasets: ["ehrshot"],
  },
  "los-in-input": {
    what: "The stay whose length is asked is visible with all its codes and its end.",
  },
  "phenotype-in-input": {
    what: "The diagnoses from which the phenotypes are computed are visible.",
  },
  "rare-classes-dropped": {
    what: "Classes with fewer than 3 positives are dropped after looking at all splits.",
  },
  "random-split": {
    what: "Patients are split 80/10/10 at random by the run's seed, so held-out patients change with it.",
  },
  "bare-codes": {
    what: "Codes are compared without vocabulary and dots; the first with the same string stands for all.",
  },
  "unstable-demographics": {
    what: "Sex and race are numbered in order of first appearance, in each split anew.",
  },
  "resampled-training": {
    what: "Training samples are drawn with replacement, balanced by class where classes exclude each other.",
  },
  "resampled-evaluation": {
    what: "Tuning and held-out samples are drawn in the same way, so prevalence is about one half, and the last partial batch is dropped.",
  },
  "batch-averaged-metrics": {
    what: "AUPRC and AUROC are computed for each batch of 256 and averaged.",
  },
  "micro-average": {
    what: "AUPRC and AUROC of several classes pool all pairs of sample and class, where the paper says macro.",
  },
  "second-softmax": {
    what: "Epochs are compared by probabilities to which softmax was applied once more.",
  },
  "last-epoch": { what: "The parameters of the last epoch are tested, not those of the best one." },
} as const satisfies Readonly<Record<string, FlawInfo>>;

export type Flaw = keyof typeof FLAWS;
export type Flaws = ReadonlySet<Flaw>;

export const FLAW_NAMES = Object.keys(FLAWS) as readonly Flaw[];
export const NO_FLAWS: Flaws = new Set();

/** Flaws of how runs are split, encoded, trained and scored, which every task has; the others are of single tasks. */
export const GENERAL_FLAWS: readonly Flaw[] = [
  "random-split",
  "bare-codes",
  "unstable-demographics",
  "resampled-training",
  "resampled-evaluation",
  "batch-averaged-metrics",
  "second-softmax",
  "last-epoch",
];
/** Flaws that concern several classes only. */
export const CLASS_FLAWS: readonly Flaw[] = ["micro-average", "rare-classes-dropped"];

export function isFlaw(name: string): name is Flaw {
  return Object.hasOwn(FLAWS, name);
}
