/** The two dense products that subspace iteration needs. */
import { Graph } from "../../../engine/graph.ts";
import { toOnnx } from "../../../engine/onnx.ts";
import { product } from "../../../engine/ops/matmul.ts";
import { Session } from "../../../engine/runner.ts";

/** xᵀ y for x and y [rows × n], in float64. */
export async function gram(x: Float64Array, y: Float64Array, n: number): Promise<Float64Array> {
  const g = new Graph({ dtype: "float64" });
  const shape = [x.length / n, n];
  return run(g, product(g.input("x", shape), g.input("y", shape), { transposeA: true }), { x, y });
}

/** x m for x [rows × n] and m [n × k], in float64. */
export async function times(
  x: Float64Array,
  m: Float64Array,
  n: number,
  k: number,
): Promise<Float64Array> {
  const g = new Graph({ dtype: "float64" });
  const output = product(g.input("x", [x.length / n, n]), g.input("m", [n, k]));
  return run(g, output, { x, m });
}

async function run(
  g: Graph,
  output: ReturnType<typeof product>,
  feeds: Record<string, Float64Array>,
): Promise<Float64Array> {
  const session = await Session.create(toOnnx(g, [output]));
  const results = await session.run(feeds);
  await session.release();
  return results.get(output.name) as Float64Array;
}
