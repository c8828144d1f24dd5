/** Training of the node tokenizer on blocks of the graph, and the assignment of every node afterwards. */
import type { Random } from "../../core/random.ts";
import { gradients } from "../../engine/gradient.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { OPTIMIZER_DEFAULTS } from "../../engine/optimizer.ts";
import { type Results, Session } from "../../engine/runner.ts";
import { State } from "../../engine/state.ts";
import { restartDead, type Usage, usageOf } from "../medtok/codebook-care.ts";
import type { KnowledgeGraph, LogLine, Report } from "../medtok/types.ts";
import { drawBlock } from "./blocks.ts";
import { followMeans, startCodebook } from "./codebook.ts";
import type { VqGraphConfig } from "./config.ts";
import { type NodeFeatures, nodeFeatures } from "./features.ts";
import { assign, losses } from "./network.ts";

/** Nodes that are assigned at a time; the last piece is filled up, so that all have one shape. */
const PIECE = 1024;
/** Rows are not moved onto other nodes in the last part, so that they can settle. */
const RESTARTS_UNTIL = 0.8;
/** Steps between two lines of the log. */
const LOG_EVERY = 50;

export interface TrainedVqGraph {
  /** [N × width] unit rows. */
  readonly codebook: Float32Array;
  /** [nodes] row of each node. */
  readonly rowOf: Int32Array;
  /** `layer.weight` [d × d] and `layer.bias` [d]. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly log: readonly LogLine[];
}

export interface VqGraphContext {
  readonly random: Random;
  readonly threads: number;
  readonly report: Report;
  readonly signal: AbortSignal;
}

const floats = (results: Results, tensor: Tensor) => results.get(tensor.name) as Float32Array;

/** Rows of a table by node, side by side. */
function take(values: Float32Array, nodes: Int32Array, width: number): Float32Array {
  const rows = new Float32Array(nodes.length * width);
  for (const [i, node] of nodes.entries())
    rows.set(values.subarray(node * width, (node + 1) * width), i * width);
  return rows;
}

/** The layer applied to nodes, and their rows of the codebook, in pieces of one shape. */
class Assigner {
  readonly #session: Session;
  readonly #outputs: ReturnType<typeof assign>;
  readonly #features: NodeFeatures;

  private constructor(session: Session, outputs: ReturnType<typeof assign>, f: NodeFeatures) {
    this.#session = session;
    this.#outputs = outputs;
    this.#features = f;
  }

  static async create(config: VqGraphConfig, features: NodeFeatures, threads: number) {
    const graph = new Graph();
    const outputs = assign(graph, config);
    const session = await Session.create(toOnnx(graph, [outputs.unit, outputs.ids]), { threads });
    return new Assigner(session, outputs, features);
  }

  hold(name: string, values: Float32Array): void {
    this.#session.hold(name, values);
  }

  async run(nodes: Int32Array): Promise<{ ids: Int32Array; unit: Float32Array }> {
    const { width, around } = this.#features;
    const ids = new Int32Array(nodes.length);
    const unit = new Float32Array(nodes.length * width);
    for (let start = 0; start < nodes.length; start += PIECE) {
      const own = nodes.subarray(start, start + PIECE);
      const full = new Int32Array(PIECE).fill(own.at(-1) as number);
      full.set(own);
      const feeds = { around: take(around, full, width) };
      const results = await this.#session.run(feeds, { n: PIECE });
      const found: unknown = results.get(this.#outputs.ids.name);
      ids.set((found as Int32Array).subarray(0, own.length), start);
      unit.set(floats(results, this.#outputs.unit).subarray(0, own.length * width), start * width);
    }
    return { ids, unit };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** The training graph; for tests as well. */
export function buildVqGraph(config: VqGraphConfig) {
  const graph = new Graph({ training: true });
  const found = losses(graph, config);
  const gradient = gradients(found.total, graph.scalar(1));
  const dense = graph.parameters.flatMap(({ name, tensor }) => {
    const d = gradient.get(tensor);
    return d === undefined ? [] : [{ name, tensor: d }];
  });
  const { total, feature, edge, commitment, ids, unit } = found;
  const outputs = [total, feature, edge, commitment, ids, unit, ...dense.map((d) => d.tensor)];
  return { graph, losses: found, dense, model: toOnnx(graph, outputs) };
}

/** The node tokenizer of a graph. The same inputs, configuration and stream give the same rows. */
export async function trainVqGraph(
  graph: KnowledgeGraph,
  config: VqGraphConfig,
  { random, threads, report, signal }: VqGraphContext,
): Promise<TrainedVqGraph> {
  const { width, codebookSize } = config;
  const features = nodeFeatures(graph.edges, width, random.derive("features"));
  const built = buildVqGraph(config);
  const session = await Session.create(built.model, { threads });
  const assigner = await Assigner.create(config, features, threads);
  const state = new State(built.graph.parameters, random.derive("init"));
  const codebook = new Float32Array(codebookSize * width);
  for (const target of [session, assigner]) {
    target.hold("codebook", codebook);
    for (const name of state.names) target.hold(name, state.parameter(name));
  }
  const all = Int32Array.from({ length: graph.nodeId.length }, (_, i) => i);
  const log: LogLine[] = [];
  try {
    const first = random.derive("start").shuffle(all.slice()).subarray(0, codebookSize);
    const { unit } = await assigner.run(first);
    codebook.set(startCodebook(codebookSize, unit, width, random.derive("codebook")));
    const counts = new Uint32Array(codebookSize);
    for (let step = 0; step < config.steps; step++) {
      signal.throwIfAborted();
      const line = await oneStep(
        { graph, features, config, built, session, state, codebook, counts },
        random,
        step,
      );
      if ((step + 1) % LOG_EVERY === 0 || step + 1 === config.steps) log.push(line);
      report("training vqgraph", step + 1, config.steps);
    }
    const { ids } = await assigner.run(all);
    return { codebook, rowOf: ids, parameters: state.exportParameters(), log };
  } finally {
    await session.release();
    await assigner.release();
  }
}

interface Training {
  readonly graph: KnowledgeGraph;
  readonly features: NodeFeatures;
  readonly config: VqGraphConfig;
  readonly built: ReturnType<typeof buildVqGraph>;
  readonly session: Session;
  readonly state: State;
  readonly codebook: Float32Array;
  /** Choices per row since rows were last moved. */
  readonly counts: Uint32Array;
}

async function oneStep(training: Training, random: Random, step: number): Promise<LogLine> {
  const { graph, features, config, built, session, state, codebook, counts } = training;
  const { width, restartEvery } = config;
  const { nodes, linked } = drawBlock(
    graph.edges,
    config.block,
    config.neighbours,
    random.derive("blocks").derive(step),
  );
  const feeds = {
    around: take(features.around, nodes, width),
    own: take(features.own, nodes, width),
    linked,
  };
  const results = await session.run(feeds, { n: nodes.length });
  for (const { name, tensor } of built.dense) state.addDense(name, floats(results, tensor));
  const norm = state.update({
    ...OPTIMIZER_DEFAULTS,
    learningRate: config.learningRate,
    weightDecay: 0,
    clipNorm: 1,
  });
  const found: unknown = results.get(built.losses.ids.name);
  const ids = found as Int32Array;
  const unit = floats(results, built.losses.unit);
  followMeans(codebook, ids, unit, width, config.decay);
  for (const id of ids) counts[id] = (counts[id] as number) + 1;
  const done = step + 1;
  if (restartEvery > 0 && done % restartEvery === 0) {
    const region = { name: "all", from: 0, to: config.codebookSize } as const;
    if (done <= RESTARTS_UNTIL * config.steps)
      restartDead(codebook, counts, region, unit, width, random.derive("restart").derive(step));
    counts.fill(0);
  }
  const value = (tensor: Tensor) => floats(results, tensor)[0] as number;
  const { total, feature, edge, commitment } = built.losses;
  return {
    step: done,
    loss: value(total),
    loss_feature: value(feature),
    loss_edge: value(edge),
    loss_commitment: value(commitment),
    gradient_norm: norm,
  };
}

/** Use of the codebook by some nodes. */
export function rowUsage(rows: Int32Array, codebookSize: number): Usage {
  const counts = new Uint32Array(codebookSize);
  for (const row of rows) counts[row] = (counts[row] as number) + 1;
  return usageOf(counts, { name: "all", from: 0, to: codebookSize });
}
