/** Values inside a model's forward pass, for tests that compute them a second time by other means. */
import type { Hyperparameters } from "../../core/model.ts";
import { Random } from "../../core/random.ts";
import type { SampleSource } from "../../core/samples.ts";
import type { Tokenizer } from "../../core/tokenizer.ts";
import { prepare } from "../../ehr-models/graph-model.ts";
import type { ForwardContext, Full, GraphModel } from "../../ehr-models/model-graphs.ts";
import { Graph, type Tensor } from "../../engine/graph.ts";
import { mixedTables } from "../../engine/mixture.ts";
import { toOnnx } from "../../engine/onnx.ts";
import { type FeedArray, Session } from "../../engine/runner.ts";
import { evaluateShape } from "../../engine/shape.ts";
import { contextOf } from "./samples.ts";

export interface Value {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface ModelValues {
  readonly of: Readonly<Record<string, Value>>;
  /** Parameters by name, at their initial values. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly feeds: Readonly<Record<string, FeedArray>>;
}

/** What `pick` names of the forward pass over all samples of a source, in one batch, with fresh parameters; `known` is the tokenizer. */
export async function modelValues<H extends Hyperparameters>(
  model: GraphModel<H>,
  train: SampleSource,
  given: Hyperparameters,
  pick: (context: ForwardContext<Full<H>>) => Readonly<Record<string, Tensor>>,
  known?: Tokenizer,
): Promise<ModelValues> {
  const context = contextOf({ train, ...(known === undefined ? {} : { tokenizer: known }) });
  const setup = prepare(model, context, given);
  const { hyperparameters, tokenizer, raceCount, labels } = setup;
  const source = model.inputs(train, tokenizer, hyperparameters);
  const graph = new Graph();
  const specs = Object.entries(source.specs);
  const inputs = Object.fromEntries(
    specs.map(([name, { shape, type }]) => [name, graph.input(name, shape, type)]),
  );
  const classes = labels.classes.length;
  const picked = pick({ graph, inputs, hyperparameters, classes, raceCount, tokenizer });
  const session = await Session.create(toOnnx(graph, Object.values(picked)));
  const random = Random.fromSeed(3).derive("init");
  const parameters = new Map<string, Float32Array>();
  for (const { name, shape, initial } of graph.parameters) {
    const size = shape.reduce((a, b) => a * b, 1);
    parameters.set(name, initial(random.derive(name), size));
    session.hold(name, parameters.get(name) as Float32Array);
  }
  const mixed = mixedTables(graph, (name) => parameters.get(name) as Float32Array);
  for (const [name, values] of Object.entries(mixed)) session.hold(name, values);
  const { feeds, dims } = source.collate(Int32Array.from({ length: train.size }, (_, i) => i));
  const results = await session.run(feeds, dims);
  const of = Object.fromEntries(
    Object.entries(picked).map(([key, tensor]) => [
      key,
      {
        shape: evaluateShape(tensor.shape, dims),
        values: Float32Array.from(results.get(tensor.name) as Float32Array),
      },
    ]),
  );
  await session.release();
  return { of, parameters, feeds };
}
