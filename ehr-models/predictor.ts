/** Probabilities of whole splits from a forward-only session. */
import type { LabelKind } from "../core/label.ts";
import type { Graph, Tensor } from "../engine/graph.ts";
import { mixedTables } from "../engine/mixture.ts";
import { toOnnx } from "../engine/onnx.ts";
import { type PartJob, PartRunner } from "../engine/parts.ts";
import { type FeedArray, Session } from "../engine/runner.ts";
import { type BatchSource, type PartLimits, sortByLength, splitBatch } from "./batch-source.ts";

export interface PredictorOptions {
  readonly graph: Graph;
  /** [B, C]. */
  readonly logits: Tensor;
  readonly kind: LabelKind;
  /** Parameters and frozen tables by input name, read in place at every run. */
  readonly held: Readonly<Record<string, FeedArray>>;
  readonly limits: PartLimits;
  readonly threads: number;
}

/** Samples that are sorted by length together. */
const CHUNK = 4096;

export class Predictor {
  readonly #session: Session;
  readonly #options: PredictorOptions;
  readonly #parts: PartRunner;
  #isReleased = false;

  private constructor(session: Session, options: PredictorOptions) {
    this.#session = session;
    this.#options = options;
    const { graph } = options;
    const mixtures = graph.mixtures.map(({ tensor }) => tensor);
    const parameters = [...graph.parameters, ...mixtures].map(({ name }) => name);
    this.#parts = new PartRunner({ session, threads: options.threads, parameters });
  }

  static async create(options: PredictorOptions): Promise<Predictor> {
    const model = toOnnx(options.graph, [options.logits]);
    const session = await Session.create(model, { threads: options.threads });
    for (const [name, values] of Object.entries(options.held)) session.hold(name, values);
    return new Predictor(session, options);
  }

  /** Probabilities [S × C] in the order of the samples. @throws after release. */
  async predict(source: BatchSource): Promise<Float32Array> {
    if (this.#isReleased) throw new Error("predict: the model was disposed of");
    const { graph, held } = this.#options;
    const tables = mixedTables(graph, (name) => held[name] as Float32Array);
    for (const [name, values] of Object.entries(tables)) this.#session.hold(name, values);
    const C = this.#options.logits.shape[1] as number;
    const all = new Float32Array(source.size * C);
    const running: Int32Array[] = [];
    await this.#parts.run(this.#jobs(source, running), (results) => {
      const logits = results.get(this.#options.logits.name) as Float32Array;
      for (const [b, sample] of (running.shift() as Int32Array).entries()) {
        const row = probabilities(logits.subarray(b * C, (b + 1) * C), this.#options.kind);
        all.set(row, sample * C);
      }
    });
    return all;
  }

  /** The inputs of part after part; `running` gets the samples of each. */
  *#jobs(source: BatchSource, running: Int32Array[]): Iterable<PartJob> {
    for (let start = 0; start < source.size; start += CHUNK) {
      const size = Math.min(CHUNK, source.size - start);
      const chunk = sortByLength(
        Int32Array.from({ length: size }, (_, i) => start + i),
        source,
      );
      for (const part of splitBatch(chunk, source, this.#options.limits)) {
        running.push(part);
        yield source.collate(part);
      }
    }
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    await this.#parts.release();
    await this.#session.release();
  }
}

/** Probabilities of one row of logits: a logistic function per column, or a softmax for exclusive classes. */
export function probabilities(logits: Float32Array, kind: LabelKind): Float32Array {
  if (kind !== "multiclass") return logits.map((z) => 1 / (1 + Math.exp(-z)));
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (z) => Math.exp(z - top));
  const sum = weights.reduce((a, b) => a + b, 0);
  return Float32Array.from(weights, (w) => w / sum);
}
