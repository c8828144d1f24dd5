/** Which protocol a run follows, and which flaws of the paper's code are in it. */
import type { Options } from "yargs";
import { BenchError } from "../core/errors.ts";
import type { EventStore } from "../core/event-store.ts";
import {
  CLASS_FLAWS,
  FLAW_NAMES,
  FLAWS,
  type Flaw,
  type FlawInfo,
  type Flaws,
  GENERAL_FLAWS,
  isFlaw,
  type Protocol,
} from "../core/protocol.ts";
import { unknownName } from "../core/registry.ts";
import type { CohortStep, TaskDefinition, TaskOptions } from "../core/task.ts";

export const protocolFlags = {
  protocol: {
    choices: ["strict", "paper"] as const,
    default: "strict" as const,
    describe: "strict, or what the paper's code does with all its flaws (docs/paper-protocol.md)",
  },
  flaw: {
    type: "string",
    array: true,
    default: [],
    describe: "with --protocol paper: only these flaws; none for no flaw at all",
  },
  "without-flaw": {
    type: "string",
    array: true,
    default: [],
    describe: "with --protocol paper: all flaws but these",
  },
} as const satisfies Record<string, Options>;

export interface ProtocolFlags {
  readonly protocol: Protocol;
  readonly flaw: readonly string[];
  readonly "without-flaw": readonly string[];
}

/** The flaws that protocol `paper` has for a task on a dataset, in the order of their list. */
export function flawsOf(task: TaskDefinition, dataset: string): Flaw[] {
  const { paper, labelSpec } = task;
  if (paper === undefined) return [];
  const all = new Set<Flaw>([
    ...paper.flaws,
    ...GENERAL_FLAWS,
    ...(labelSpec.kind === "binary" ? [] : CLASS_FLAWS),
  ]);
  if (labelSpec.kind === "multiclass") all.delete("rare-classes-dropped");
  return FLAW_NAMES.filter((name) => {
    const { datasets }: FlawInfo = FLAWS[name];
    return all.has(name) && (datasets === undefined || datasets.includes(dataset));
  });
}

function wrongUse(what: string, where: string, fix: string): BenchError {
  return new BenchError({ what, where, fix, exitCode: 2 });
}

function checkNames(flag: string, names: readonly string[], possible: readonly Flaw[]): Flaw[] {
  return names.map((name) => {
    if (!isFlaw(name)) throw unknownName("flaw", name, possible);
    if (possible.includes(name)) return name;
    throw wrongUse(
      `flaw ${name} does not concern this task on this dataset`,
      `--${flag}`,
      `use one of ${possible.join(", ")}`,
    );
  });
}

/**
 * The flaws of a run, in the order of their list; none under protocol strict.
 * @throws BenchError when flaws are given under strict, or the paper's code has no such task or flaw.
 */
export function chooseFlaws(
  flags: ProtocolFlags,
  task: TaskDefinition,
  dataset: string,
): readonly Flaw[] {
  const { protocol, flaw, "without-flaw": without } = flags;
  if (protocol === "strict") {
    if (flaw.length + without.length === 0) return [];
    throw wrongUse(
      "protocol strict has no flaws",
      "--flaw",
      "add --protocol paper, or leave the flaws out",
    );
  }
  if (task.paper === undefined) {
    throw wrongUse(
      `the paper's code has no task ${task.name}`,
      "--protocol",
      "use --protocol strict",
    );
  }
  const possible = flawsOf(task, dataset);
  const only = flaw.length === 1 && flaw[0] === "none" ? [] : checkNames("flaw", flaw, possible);
  const chosen = flaw.length === 0 ? possible : only;
  const left = new Set(checkNames("without-flaw", without, possible));
  return possible.filter((name) => chosen.includes(name) && !left.has(name));
}

/** What of a run says which protocol it follows. */
export interface ProtocolPlan {
  readonly protocol: Protocol;
  readonly flaws: readonly Flaw[];
}

/** @throws Error when a strict run has a flaw: no way of making a plan allows that. */
export function checkedFlaws({ protocol, flaws }: ProtocolPlan): Flaws {
  if (protocol === "strict" && flaws.length > 0) throw new Error(`a strict run with ${flaws}`);
  return new Set(flaws);
}

/** SQL of a task's labels under the protocol. */
export function labelsUnder(task: TaskDefinition, flaws: Flaws): (options: TaskOptions) => string {
  const { paper } = task;
  return paper === undefined || flaws.size === 0
    ? (options) => task.labels(options)
    : (options) => paper.labels(options, flaws);
}

/** The cohort's flow under the protocol. */
export function cohortUnder(
  task: TaskDefinition,
  store: EventStore,
  options: TaskOptions,
  flaws: Flaws,
): Promise<readonly CohortStep[]> {
  const { paper } = task;
  return paper === undefined || flaws.size === 0
    ? task.cohort(store, options)
    : paper.cohort(store, options, flaws);
}
