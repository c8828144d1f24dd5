/**
 * One training session over one state: runs the graph's loss and gradients on the parts of a batch, sums
 * the gradients outside the graph, and updates the parameters in place.
 *
 * A batch may come in parts (micro-batches): their gradients add up to those of the whole batch, as each
 * loss is divided by the batch's total weight, and with several threads they run side by side (`parts.ts`).
 * That is how memory stays bounded for long histories:
 * whoever makes the batches keeps B·h·L·L·4 bytes of a part small, and nothing else in the engine needs
 * to know. A single sample that is too long for a part has its attention in chunks (`ops/attention-chunks.ts`).
 */
import { sha256 } from "../core/hash.ts";
import type { Random } from "../core/random.ts";
import { MaskPool } from "./dropout.ts";
import { gradients } from "./gradient.ts";
import type { Graph, Tensor } from "./graph.ts";
import { readBy } from "./mixture.ts";
import { toOnnx } from "./onnx.ts";
import type { OptimizerOptions } from "./optimizer.ts";
import { PartRunner } from "./parts.ts";
import { chosenRuntime, type FeedArray, type Feeds, type Results, Session } from "./runner.ts";
import type { DimValues } from "./shape.ts";
import { type Checkpoint, State } from "./state.ts";

/** Name of the scalar input by which losses are divided; see `ops/losses.ts`. */
export const TOTAL_WEIGHT = "totalWeight";

/** A batch or a part of one. */
export interface Batch {
  readonly feeds: Feeds;
  readonly dims: DimValues;
  /** Sum of its sample weights. */
  readonly weight: number;
}

export interface TrainerOptions {
  readonly graph: Graph;
  readonly loss: Tensor;
  /** Streams "init" and "dropout" are derived. */
  readonly random: Random;
  readonly threads: number;
  /** Values of inputs that never change, e.g. frozen tables. */
  readonly held?: Readonly<Record<string, FeedArray>>;
  /** Values that parameters of these names start from, e.g. of a pretraining stage; others are ignored. */
  readonly start?: ReadonlyMap<string, Float32Array>;
}

/** All that the steps to come depend on, beside the batches and the seed. */
export interface TrainerCheckpoint extends Checkpoint {
  /** Runtime and hash of the operations; another graph cannot go on from it, nor another runtime. */
  readonly operations: string;
  /** Lengths of the dropout pools. */
  readonly pools: readonly (readonly [rate: number, length: number])[];
}

interface RowOutput {
  readonly table: string;
  /** An input of the parts, or an output where the ids are computed. */
  readonly ids: string;
  readonly output: string;
}

export class Trainer {
  readonly state: State;
  readonly graph: Graph;
  /** Nodes of the training graph, forward and backward. */
  readonly nodeCount: number;
  /** Hash of the training graph. */
  readonly operations: string;
  readonly #session: Session;
  readonly #pool: MaskPool;
  readonly #runner: PartRunner;
  readonly #loss: string;
  readonly #dense: readonly { readonly name: string; readonly output: string }[];
  readonly #rows: readonly RowOutput[];
  /** Mixtures, each with the inputs that say which of its rows are read. */
  readonly #readBy: readonly (readonly [name: string, ids: readonly string[] | undefined])[];

  private constructor(session: Session, options: TrainerOptions, outputs: Outputs) {
    this.graph = options.graph;
    this.#session = session;
    this.nodeCount = session.model.nodeCount;
    this.operations = `${chosenRuntime()?.name} ${sha256(session.model.bytes)}`;
    const { parameters, mixtures } = options.graph;
    this.state = new State(parameters, options.random.derive("init"), mixtures);
    this.#readBy = mixtures.map(({ tensor }) => [tensor.name, readBy(options.graph, tensor)]);
    const { start } = options;
    if (start !== undefined && start.size > 0 && this.state.adopt(start).length === 0)
      throw new Error(`none of the parameters to start from is one of this graph's`);
    this.#pool = new MaskPool(options.random.derive("dropout"));
    this.#runner = new PartRunner({
      session,
      threads: options.threads,
      parameters: [...this.state.names, ...this.state.mixed.keys()],
      dropout: { pool: this.#pool, masks: options.graph.masks },
    });
    this.#loss = options.loss.name;
    this.#dense = outputs.dense;
    this.#rows = outputs.rows;
    for (const name of this.state.names) session.hold(name, this.state.parameter(name));
    for (const [name, { values }] of this.state.mixed) session.hold(name, values);
    for (const [name, values] of Object.entries(options.held ?? {})) session.hold(name, values);
  }

  /** Adds the backward pass to the graph and loads it. @throws when a parameter has no part in the loss. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { graph, loss, threads } = options;
    const outputs = gradientOutputs(graph, loss);
    const model = toOnnx(graph, [loss, ...outputs.tensors]);
    const session = await Session.create(model, { threads, label: "training" });
    return new Trainer(session, options, outputs);
  }

  /** Sums loss and gradients over the parts of a batch, without an update. Returns the loss. */
  async accumulate(parts: readonly Batch[]): Promise<number> {
    const total = Float32Array.of(parts.reduce((sum, part) => sum + part.weight, 0));
    let loss = 0;
    const { step } = this.state;
    const jobs = parts.map(({ feeds, dims }, i) => {
      return { feeds: { ...feeds, [TOTAL_WEIGHT]: total }, dims, key: `${step}/${i}` };
    });
    this.#mix(parts);
    let done = 0;
    await this.#runner.run(jobs, (results) => {
      loss += values(results, this.#loss)[0] as number;
      this.#add(parts[done++] as Batch, results);
    });
    this.state.spread();
    return loss;
  }

  /** Brings the rows of mixtures that the parts read up to date with the parameters. */
  #mix(parts: readonly Batch[]): void {
    for (const [name, inputs] of this.#readBy) {
      const ids = inputs?.flatMap((input) => parts.map(({ feeds }) => feeds[input]));
      const isFed = ids?.every((given) => given instanceof Int32Array) === true;
      this.state.mixed.get(name)?.mix(isFed ? (ids as Int32Array[]) : undefined);
    }
  }

  /** Adds the gradients of one part. */
  #add({ feeds }: Batch, results: Results): void {
    for (const { name, output } of this.#dense) this.state.addDense(name, values(results, output));
    for (const { table, ids, output } of this.#rows) {
      const at: unknown = feeds[ids] ?? results.get(ids);
      this.state.addRows(table, at as Int32Array, values(results, output));
    }
  }

  /** One update from one batch. Returns the loss and the norm of the gradient before clipping. */
  async step(
    parts: readonly Batch[],
    optimizer: OptimizerOptions,
    factor = 1,
  ): Promise<{ loss: number; norm: number }> {
    const loss = await this.accumulate(parts);
    return { loss, norm: this.state.update(optimizer, factor) };
  }

  /** Take it between two steps. */
  checkpoint(): TrainerCheckpoint {
    const { operations } = this;
    return { operations, pools: this.#pool.lengths(), ...this.state.checkpoint() };
  }

  /** Goes back to a checkpoint. Returns false, and changes nothing, when it is of another graph. */
  restore(checkpoint: TrainerCheckpoint): boolean {
    if (checkpoint.operations !== this.operations) return false;
    this.state.restore(checkpoint);
    this.#pool.grow(checkpoint.pools);
    return true;
  }

  async release(): Promise<void> {
    await this.#runner.release();
    await this.#session.release();
  }
}

function values(results: Results, name: string): Float32Array {
  return results.get(name) as Float32Array;
}

/** What a training graph has to give: gradients of parameters, and of looked-up rows with their ids. */
export interface Outputs {
  readonly dense: readonly { readonly name: string; readonly output: string }[];
  readonly rows: readonly RowOutput[];
  readonly tensors: readonly Tensor[];
}

/** Adds the backward pass. @throws when a parameter has no part in the loss. */
export function gradientOutputs(graph: Graph, loss: Tensor): Outputs {
  const found = gradients(loss, graph.scalar(1));
  const tensors: Tensor[] = [];
  const dense: { name: string; output: string }[] = [];
  const rows: RowOutput[] = [];
  const looked = new Set(graph.lookups.filter((l) => found.has(l.rows)).map(({ table }) => table));
  for (const { tensor, source } of graph.mixtures) {
    if (looked.has(tensor)) looked.add(source);
    if (found.has(tensor)) throw new Error(`${tensor.name} is read by more than look-ups`);
  }
  for (const { name, tensor } of graph.parameters) {
    const d = found.get(tensor);
    if (d !== undefined) {
      dense.push({ name, output: d.name });
      tensors.push(d);
    } else if (!looked.has(tensor)) {
      throw new Error(`the parameter ${name} has no part in the loss`);
    }
  }
  for (const { table, ids, rows: read } of graph.lookups) {
    const d = found.get(read);
    if (d === undefined) continue;
    rows.push({ table: table.name, ids: ids.name, output: d.name });
    tensors.push(d);
    if (graph.inputs.get(ids.name) !== ids) tensors.push(ids);
  }
  return { dense, rows, tensors };
}
