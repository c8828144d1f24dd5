/**
 * Symbolic shapes. A dim is a number, or a sum of products of names with integer factors such as
 * `B*L+3*B`, kept in one normal form, so that two dims are equal exactly when their texts are. One
 * graph then serves every batch size and length, and most mistakes are found while it is built.
 */

/** A size: a number, or a polynomial of named sizes in normal form. */
export type Dim = number | string;
export type Shape = readonly Dim[];
/** Values of the named sizes, e.g. `{ B: 32, L: 100 }`. */
export type DimValues = Readonly<Record<string, number>>;

/** Product of names (empty for the constant term) -> integer factor. */
type Polynomial = Map<string, number>;

function parse(dim: Dim): Polynomial {
  if (typeof dim === "number") return new Map([["", dim]]);
  const sum: Polynomial = new Map();
  for (const term of dim.split("+")) {
    let factor = 1;
    const names: string[] = [];
    for (const part of term.split("*")) {
      if (/^-?\d+$/.test(part)) factor *= Number(part);
      else names.push(part);
    }
    const key = names.sort().join("*");
    sum.set(key, (sum.get(key) ?? 0) + factor);
  }
  return sum;
}

function format(sum: Polynomial): Dim {
  const terms = [...sum].filter(([, factor]) => factor !== 0);
  if (terms.every(([names]) => names === "")) return terms[0]?.[1] ?? 0;
  return terms
    .sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1))
    .map(([names, factor]) =>
      names === "" ? `${factor}` : factor === 1 ? names : `${factor}*${names}`,
    )
    .join("+");
}

/** The factors of a dim's terms and the names they multiply, for evaluation inside a graph. */
export function termsOf(dim: Dim): { factor: number; names: string[] }[] {
  return [...parse(dim)].map(([names, factor]) => ({
    factor,
    names: names === "" ? [] : names.split("*"),
  }));
}

/** Product of dims in normal form. */
export function multiplyDims(...dims: Dim[]): Dim {
  let product: Polynomial = new Map([["", 1]]);
  for (const dim of dims) {
    const next: Polynomial = new Map();
    for (const [a, x] of product) {
      for (const [b, y] of parse(dim)) {
        const names = [a, b].filter((s) => s !== "").flatMap((s) => s.split("*"));
        const key = names.sort().join("*");
        next.set(key, (next.get(key) ?? 0) + x * y);
      }
    }
    product = next;
  }
  return format(product);
}

/** Sum of dims in normal form. */
export function addDims(...dims: Dim[]): Dim {
  const sum: Polynomial = new Map();
  for (const dim of dims) {
    for (const [names, factor] of parse(dim)) sum.set(names, (sum.get(names) ?? 0) + factor);
  }
  return format(sum);
}

/** `a - b` in normal form. */
export function subtractDims(a: Dim, b: Dim): Dim {
  return addDims(a, multiplyDims(-1, b));
}

/** Number of elements of a shape, as a dim. */
export function sizeOf(shape: Shape): Dim {
  return multiplyDims(...shape);
}

/** The value of a dim. @throws when a name in it has no value. */
export function evaluateDim(dim: Dim, values: DimValues): number {
  if (typeof dim === "number") return dim;
  let sum = 0;
  for (const { factor, names } of termsOf(dim)) {
    let product = factor;
    for (const name of names) {
      const value = values[name];
      if (value === undefined) throw new Error(`dim "${dim}": no value for "${name}"`);
      product *= value;
    }
    sum += product;
  }
  return sum;
}

/** The values of a shape's dims. @throws when a name has no value. */
export function evaluateShape(shape: Shape, values: DimValues): number[] {
  return shape.map((dim) => evaluateDim(dim, values));
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** `[B, L, 64]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** The shape of an elementwise operation on two shapes, aligned at the last axis; undefined when they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** A shape with every dim brought into normal form. */
export function normalShape(shape: Shape): Shape {
  return shape.map((dim) => multiplyDims(dim));
}
