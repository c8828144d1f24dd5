/** An exported model run by onnxruntime alone, with none of our engine. */
import * as ort from "onnxruntime-node";
import type { PortSpec } from "../../core/model.ts";

/** The largest distance between two lists of numbers of equal length. */
export function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++)
    most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most;
}

/**
 * What the file's one output is for arrays named as the file names its inputs.
 * @param file a path, or the file's bytes
 * @param dims values of the named sizes
 */
export async function runPlain(
  file: string | Uint8Array,
  inputs: readonly PortSpec[],
  feeds: Readonly<Record<string, unknown>>,
  dims: Readonly<Record<string, number>>,
): Promise<Float32Array> {
  const session = await (typeof file === "string"
    ? ort.InferenceSession.create(file)
    : ort.InferenceSession.create(file));
  const tensors = inputs.map(({ name, type, shape }) => {
    if (name.startsWith("dim:")) {
      const size = BigInt(sizeOf(name.slice("dim:".length), dims));
      return [name, new ort.Tensor("int64", BigInt64Array.of(size), [1])] as const;
    }
    const sizes = shape.map((dim) => (typeof dim === "number" ? dim : sizeOf(dim, dims)));
    return [name, new ort.Tensor(type as "float32", feeds[name] as Float32Array, sizes)] as const;
  });
  const results = await session.run(Object.fromEntries(tensors));
  await session.release();
  const [output] = session.outputNames;
  return results[output as string]?.data as Float32Array;
}

/** The value of a size: names and numbers multiplied and added (`2*B*L+B`). */
function sizeOf(dim: string, dims: Readonly<Record<string, number>>): number {
  return dim.split("+").reduce((sum, term) => {
    const factors = term.split("*").map((part) => (/^\d+$/.test(part) ? Number(part) : dims[part]));
    if (factors.includes(undefined)) throw new Error(`no size ${dim}`);
    return sum + factors.reduce((product: number, factor) => product * (factor as number), 1);
  }, 0);
}
