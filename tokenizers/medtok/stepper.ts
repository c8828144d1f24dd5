/** One training step of MedTok on the engine: run the graph, scatter the gradients of rows, update. */
import type { Random } from "../../core/random.ts";
import { MaskPool } from "../../engine/dropout.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { OPTIMIZER_DEFAULTS, type OptimizerOptions } from "../../engine/optimizer.ts";
import { type Results, Session } from "../../engine/runner.ts";
import { State } from "../../engine/state.ts";
import { gradientOutputs, type Outputs } from "../../engine/trainer.ts";
import { heldTables, largest, type StepFeeds, sizesOf } from "./batch.ts";
import type { MedTokConfig } from "./config.ts";
import { type Losses, type LossTerm, trainingLosses } from "./losses.ts";
import type { MedTokInputs } from "./types.ts";

/** Adam as the public code sets it: second moment over about 20 steps, no decay of weights. */
export function optimizerOf(config: MedTokConfig): OptimizerOptions {
  return {
    ...OPTIMIZER_DEFAULTS,
    learningRate: config.learningRate,
    b2: 0.95,
    weightDecay: 0,
    clipNorm: config.clipNorm,
  };
}

export interface StepResult {
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly norm: number;
  readonly terms: ReadonlyMap<LossTerm, number>;
  /** Per part: rows chosen [B × K], unit vectors [B × d], weights [B × K]; undefined where left out. */
  readonly parts: readonly (StepPart | undefined)[];
}

export interface StepPart {
  readonly ids: Int32Array;
  readonly unit: Float32Array;
  readonly weights: Float32Array;
}

/** The training graph for these inputs; for tests and benchmarks as well. */
export function buildTraining(config: MedTokConfig, inputs: MedTokInputs, buckets: number) {
  const graph = new Graph({ training: true });
  const losses = trainingLosses(graph, config, sizesOf(inputs, buckets));
  return { graph, losses, outputs: gradientOutputs(graph, losses.total) };
}

export class Stepper {
  readonly state: State;
  readonly #graph: Graph;
  readonly #session: Session;
  readonly #losses: Losses;
  readonly #outputs: Outputs;
  readonly #pool: MaskPool;
  readonly #optimizer: OptimizerOptions;

  private constructor(
    built: ReturnType<typeof buildTraining>,
    session: Session,
    config: MedTokConfig,
    random: Random,
  ) {
    this.#graph = built.graph;
    this.#losses = built.losses;
    this.#outputs = built.outputs;
    this.#session = session;
    this.#optimizer = optimizerOf(config);
    this.#pool = new MaskPool(random.derive("dropout"));
    this.state = new State(built.graph.parameters, random.derive("init"));
    for (const name of this.state.names) session.hold(name, this.state.parameter(name));
  }

  /** Shapes of the parameters by name. */
  get shapes(): Map<string, readonly number[]> {
    return new Map(this.#graph.parameters.map(({ name, shape }) => [name, shape]));
  }

  /** Streams "init" and "dropout" are derived from `random`. */
  static async create(
    config: MedTokConfig,
    inputs: MedTokInputs,
    buckets: number,
    random: Random,
    threads: number,
  ): Promise<Stepper> {
    const built = buildTraining(config, inputs, buckets);
    const session = await Session.create(toOnnx(built.graph, outputTensors(built)), { threads });
    const stepper = new Stepper(built, session, config, random);
    for (const [name, values] of Object.entries(heldTables(inputs, config)))
      session.hold(name, values);
    stepper.#sizePool(inputs, buckets, config.batch);
    return stepper;
  }

  /** Loss and summed gradients, without an update. */
  async accumulate({ feeds, dims }: StepFeeds): Promise<Omit<StepResult, "norm">> {
    const masks = this.#pool.feeds(this.#graph.masks, dims, String(this.state.step));
    const results = await this.#session.run({ ...feeds, ...masks }, dims);
    for (const { name, output } of this.#outputs.dense)
      this.state.addDense(name, results.get(output) as Float32Array);
    for (const { table, ids, output } of this.#outputs.rows) {
      const at: unknown = feeds[ids] ?? results.get(ids);
      this.state.addRows(table, at as Int32Array, results.get(output) as Float32Array);
    }
    const terms = [...this.#losses.terms].map(
      ([name, tensor]) => [name, floats(results, tensor)[0] as number] as const,
    );
    const parts = this.#losses.parts.map((part) => {
      if (part === undefined) return undefined;
      const ids: unknown = results.get(part.ids.name);
      return {
        ids: ids as Int32Array,
        unit: floats(results, part.unit),
        weights: floats(results, part.weights),
      };
    });
    const loss = floats(results, this.#losses.total)[0] as number;
    return { loss, terms: new Map(terms), parts };
  }

  /** One update, with the learning rate times `factor`. */
  async step(feeds: StepFeeds, factor: number): Promise<StepResult> {
    const result = await this.accumulate(feeds);
    return { ...result, norm: this.state.update(this.#optimizer, factor) };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  /**
   * Draws masks of the largest size there can be, so that the pool has its final length before the first
   * step: offsets depend on the length, and a resumed training must find the same.
   */
  #sizePool(inputs: MedTokInputs, buckets: number, batch: number): void {
    const { nodes, words } = largest(inputs);
    const dims: Record<string, number> = {};
    for (let i = 0; i < buckets; i++) {
      dims[`B${i}`] = Math.ceil(batch / buckets);
      dims[`T${i}`] = words;
      dims[`n${i}`] = nodes;
    }
    this.#pool.feeds(this.#graph.masks, dims, "size");
  }
}

function outputTensors({ losses, outputs }: ReturnType<typeof buildTraining>): Tensor[] {
  return [
    losses.total,
    ...losses.terms.values(),
    ...outputs.tensors,
    ...losses.parts.flatMap((part) => (part ? [part.ids, part.unit, part.weights] : [])),
  ];
}

function floats(results: Results, tensor: Tensor): Float32Array {
  return results.get(tensor.name) as Float32Array;
}
