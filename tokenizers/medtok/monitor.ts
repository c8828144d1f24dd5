/** What is watched during training: loss terms, norms, and the use of each region by its own parts. */
import type { Random } from "../../core/random.ts";
import { regionParts, restartDead, usageOf } from "./codebook-care.ts";
import type { MedTokConfig } from "./config.ts";
import type { StepResult } from "./stepper.ts";
import type { LogLine } from "./types.ts";

/** All that a monitor remembers between steps. */
export interface MonitorState {
  readonly log: LogLine[];
  /** Sums over the steps since the last line. */
  readonly sums: Record<string, number>;
  /** Choices per row since the last line, since the last restart, and since the start. */
  readonly counts: readonly [Uint32Array, Uint32Array, Uint32Array];
}

export class Monitor {
  readonly log: LogLine[] = [];
  readonly #config: MedTokConfig;
  #sums: Record<string, number> = {};
  readonly #line: Uint32Array;
  readonly #restart: Uint32Array;
  readonly #ever: Uint32Array;

  constructor(config: MedTokConfig) {
    this.#config = config;
    this.#line = new Uint32Array(config.codebookSize);
    this.#restart = new Uint32Array(config.codebookSize);
    this.#ever = new Uint32Array(config.codebookSize);
  }

  get state(): MonitorState {
    return { log: this.log, sums: this.#sums, counts: [this.#line, this.#restart, this.#ever] };
  }

  set state({ log, sums, counts }: MonitorState) {
    this.log.splice(0, this.log.length, ...log);
    this.#sums = { ...sums };
    this.#line.set(counts[0]);
    this.#restart.set(counts[1]);
    this.#ever.set(counts[2]);
  }

  /** Takes in one step. */
  add(result: StepResult): void {
    this.#sum("steps", 1);
    this.#sum("loss", result.loss);
    this.#sum("gradient_norm", result.norm);
    for (const [name, value] of result.terms) this.#sum(`loss_${name}`, value);
    for (const [i, part] of result.parts.entries()) {
      if (part === undefined) continue;
      for (const id of part.ids) {
        for (const counts of [this.#line, this.#restart, this.#ever])
          counts[id] = (counts[id] as number) + 1;
      }
      this.#sum(`tokens_effective_${i}`, effective(part.weights, this.#config.perPart));
    }
  }

  /** Moves rows that nobody chose since the last restart onto vectors of this step. */
  restart(codebook: Float32Array, result: StepResult, random: Random): void {
    const { width } = this.#config;
    for (const { region, parts } of regionParts(this.#config)) {
      const present = parts.flatMap((part) => result.parts[part]?.unit ?? []);
      if (present.length === 0) continue;
      const size = present.reduce((sum, values) => sum + values.length, 0);
      const vectors = new Float32Array(size);
      let at = 0;
      for (const values of present) {
        vectors.set(values, at);
        at += values.length;
      }
      const stream = random.derive(region.name);
      const moved = restartDead(codebook, this.#restart, region, vectors, width, stream);
      this.#sum(`restarted_${region.name}`, moved);
    }
    this.#restart.fill(0);
  }

  /** Closes a line of the log at `step`: means over its steps, usage of each region over its batches. */
  write(step: number, rateFactor: number): void {
    const { steps = 1, ...sums } = this.#sums;
    const line: Record<string, number> = {
      step,
      learning_rate: this.#config.learningRate * rateFactor,
    };
    for (const [name, value] of Object.entries(sums))
      line[name] = name.startsWith("restarted_") ? value : value / steps;
    for (const { region } of regionParts(this.#config)) {
      const { share, perplexity } = usageOf(this.#line, region);
      line[`usage_${region.name}`] = share;
      line[`perplexity_${region.name}`] = perplexity;
      line[`ever_used_${region.name}`] = usageOf(this.#ever, region).share;
    }
    this.log.push(line);
    this.#sums = {};
    this.#line.fill(0);
  }

  #sum(name: string, value: number): void {
    this.#sums[name] = (this.#sums[name] ?? 0) + value;
  }
}

/** Mean over codes of exp(entropy of the K weights): how many tokens carry a code. */
export function effective(weights: Float32Array, perPart: number): number {
  let sum = 0;
  for (let start = 0; start < weights.length; start += perPart) {
    let entropy = 0;
    for (let k = start; k < start + perPart; k++) {
      const w = weights[k] as number;
      if (w > 0) entropy -= w * Math.log(w);
    }
    sum += Math.exp(entropy);
  }
  return sum / (weights.length / perPart);
}

/** Whether the last `patience` lines brought no lower loss than was reached before them. */
export function shouldStop(log: readonly LogLine[], patience: number): boolean {
  if (patience === 0 || log.length <= patience) return false;
  const losses = log.map((line) => line["loss"] ?? Number.POSITIVE_INFINITY);
  const before = Math.min(...losses.slice(0, -patience));
  return Math.min(...losses.slice(-patience)) >= before;
}
