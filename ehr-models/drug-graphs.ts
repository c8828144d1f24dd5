/** Classes of drugs and the graphs over them, from whole timelines of training subjects only (models.md G1). */
import { BenchError } from "../core/errors.ts";
import type { FitContext } from "../core/model.ts";
import type { History, SampleSource } from "../core/samples.ts";
import type { CodeTable } from "../core/tokenizer.ts";
import { areDrugClasses, atcGroup, classInteractions } from "./interactions.ts";

/** Groups of ATC codes, e.g. J01X, and the group that each row of the code table belongs to. */
export interface DrugClasses {
  /** [D]. */
  readonly groups: readonly string[];
  /** [rows of the code table]; -1 for a code of no group. */
  readonly ofCode: Int32Array;
}

const ATC = "ATC/";
/** Characters of a third-level class. */
const THIRD_LEVEL = 4;

/** Codes by the longest group that they begin with; codes of other vocabularies belong to none (G10). */
export function drugClasses(codes: CodeTable, groups: readonly string[]): DrugClasses {
  const number = new Map(groups.map((group, d) => [group, d]));
  const ofCode = Int32Array.from(codes.code, (code) => {
    if (!code.startsWith(ATC)) return -1;
    for (let end = code.length; end > ATC.length; end--) {
      const found = number.get(code.slice(ATC.length, end));
      if (found !== undefined) return found;
    }
    return -1;
  });
  return { groups, ofCode };
}

/** The third-level classes of all drugs in some timelines, in alphabetical order. */
export function groupsSeen(codes: CodeTable, timelines: SampleSource): string[] {
  const seen = new Set<string>();
  for (let sample = 0; sample < timelines.size; sample++) {
    const { length, code } = timelines.read(sample);
    for (let i = 0; i < length; i++) {
      const text = codes.code[code[i] as number] ?? "";
      if (text.startsWith(ATC) && text.length >= ATC.length + THIRD_LEVEL)
        seen.add(text.slice(ATC.length, ATC.length + THIRD_LEVEL));
    }
  }
  return [...seen].sort();
}

/** In how many visits classes were given, alone and together. */
interface VisitCounts {
  /** Visits with a drug of some class. */
  visits: number;
  readonly single: Float64Array; // [D]
  readonly pair: Float64Array; // [D × D]
}

function countVisits(classes: DrugClasses, timelines: SampleSource): VisitCounts {
  const D = classes.groups.length;
  const counts = { visits: 0, single: new Float64Array(D), pair: new Float64Array(D * D) };
  const plusOne = (sums: Float64Array, at: number) => {
    sums[at] = (sums[at] as number) + 1;
  };
  for (let sample = 0; sample < timelines.size; sample++) {
    for (const set of givenByVisit(classes, timelines.read(sample))) {
      if (set.size > 0) counts.visits += 1;
      for (const a of set) {
        plusOne(counts.single, a);
        for (const b of set) plusOne(counts.pair, a * D + b);
      }
    }
  }
  return counts;
}

/**
 * 1 where two different classes were given in one visit of some timeline, and at least `lift` times as often
 * as if they were given independently of each other; [D × D], symmetric. A lift of 0 asks for one visit.
 */
export function coPrescriptions(
  classes: DrugClasses,
  timelines: SampleSource,
  lift: number,
): Uint8Array {
  const D = classes.groups.length;
  const { visits, single, pair } = countVisits(classes, timelines);
  const adjacency = new Uint8Array(D * D);
  for (let a = 0; a < D; a++)
    for (let b = 0; b < D; b++) {
      const together = pair[a * D + b] as number;
      const byChance = ((single[a] as number) * (single[b] as number)) / visits;
      if (a !== b && together > 0 && together >= lift * byChance) adjacency[a * D + b] = 1;
    }
  return adjacency;
}

/** The classes given in each visit, [T]. */
function givenByVisit(classes: DrugClasses, history: History): readonly Set<number>[] {
  const { length, code, visit, visitCount } = history;
  const given = Array.from({ length: visitCount }, () => new Set<number>());
  for (let i = 0; i < length; i++) {
    const d = classes.ofCode[code[i] as number] as number;
    if (d >= 0) given[visit[i] as number]?.add(d);
  }
  return given;
}

/** Symmetric adjacency [D × D] of unordered pairs. */
export function adjacencyOf(pairs: readonly (readonly [number, number])[], D: number): Uint8Array {
  const adjacency = new Uint8Array(D * D);
  for (const [a, b] of pairs) {
    adjacency[a * D + b] = 1;
    adjacency[b * D + a] = 1;
  }
  return adjacency;
}

/** D^-1 (A + I), [D × D]: the mean over a class and its neighbours; rows sum to 1. */
export function neighbourMean(adjacency: Uint8Array): Float32Array {
  const D = Math.sqrt(adjacency.length);
  const mean = new Float32Array(D * D);
  for (let d = 0; d < D; d++) {
    const row = adjacency.subarray(d * D, (d + 1) * D);
    const neighbours = row.reduce((n, edge) => n + edge, 0) - (row[d] as number) + 1;
    for (let j = 0; j < D; j++) mean[d * D + j] = j === d || row[j] === 1 ? 1 / neighbours : 0;
  }
  return mean;
}

/** What is made from training data and a table of interactions before a model's graphs are built. */
export interface DrugMemory {
  readonly classes: DrugClasses;
  /** A_e, [D × D]. */
  readonly together: Uint8Array;
  /** A_d, [D × D]; undefined without a table. */
  readonly interacting: Uint8Array | undefined;
  /** Whether the memory's classes are the target's, so that interactions within a prediction mean something. */
  readonly isNative: boolean;
}

const ALL_CODES = 1e9;

/**
 * The classes and graphs of a fit: the target's classes where they are ATC groups, else all third-level
 * classes of training subjects.
 * @param options whether the file `ddi` is read, and the lift that `coPrescriptions` asks for
 * @throws BenchError when it is not given or has no pair of these classes, and when there is no class.
 */
export async function drugMemory(
  context: FitContext,
  options: { readonly interactions: boolean; readonly minLift: number },
): Promise<DrugMemory> {
  const { labels, codes, files } = context;
  const timelines = await context.timelines({ maxCodes: ALL_CODES, repeats: "once-per-visit" });
  const isNative = areDrugClasses(labels);
  const groups = isNative
    ? (labels.classCodes ?? []).map((group) => atcGroup(group) ?? "")
    : groupsSeen(codes, timelines);
  if (groups.length === 0)
    throw new BenchError({
      what: "drugs are remembered by ATC class, and no training subject has a drug with one",
      fix: "map drugs to ATC codes when the data are loaded, or choose another model",
    });
  const classes = drugClasses(codes, groups);
  const interacting = options.interactions
    ? interactionGraph(interactionFile(files), groups)
    : undefined;
  const together = coPrescriptions(classes, timelines, options.minLift);
  return { classes, together, interacting, isNative };
}

/** The table of interactions among a user's files. @throws BenchError when it is not there. */
export function interactionFile(files: FitContext["files"]): string {
  const file = files["ddi"];
  if (file !== undefined) return file;
  throw new BenchError({
    what: "the model reads a table of drug interactions, and none was given",
    where: "--model-file",
    fix: "give --model-file ddi=FILE, or --set interactions=false for the model without it",
    exitCode: 2,
  });
}

function interactionGraph(file: string, groups: readonly string[]): Uint8Array {
  const pairs = classInteractions(
    file,
    groups.map((group) => [`ATC/${group}*`]),
  );
  return adjacencyOf(pairs, groups.length);
}
