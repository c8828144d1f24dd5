/** Where L-BFGS starts, and how far it first steps along each parameter. */
import { type Design, WINDOW_BITS } from "./design.ts";
import { type Block, indexOf, type Penalty, pullsOf, rowsOf, stripsOf } from "./objective.ts";
import { STRIP } from "./strips.ts";

/** How often each class of a block is true, a little towards a half so that none is 0 or 1. [K] */
function sharesOf(design: Design, y: Uint8Array, { first, count, classes }: Block): Float64Array {
  const shares = new Float64Array(count).fill(0.5);
  for (let i = 0; i < design.size; i++)
    for (let k = 0; k < count; k++)
      shares[k] = (shares[k] as number) + (y[i * classes + first + k] as number);
  return shares.map((n) => n / (design.size + 1));
}

/** No weights, and biases that give each class the share of samples it has. */
export function startOf(design: Design, y: Uint8Array, block: Block): Float64Array {
  const { bias, count } = rowsOf(design.units, design.width);
  const x = new Float64Array(stripsOf(block) * count * STRIP);
  for (const [k, p] of sharesOf(design, y, block).entries())
    x[indexOf(bias, k, count)] = Math.log(p) - (block.isExclusive ? 0 : Math.log1p(-p));
  return x;
}

const squaresOf = new WeakMap<Design, Float64Array>();

/** Mean square of each column of the matrix, as rows of a strip lie; made once a matrix. */
function meanSquares(design: Design): Float64Array {
  const known = squaresOf.get(design) ?? newMeanSquares(design);
  squaresOf.set(design, known);
  return known;
}

function newMeanSquares(design: Design): Float64Array {
  const { units, profile, bias, count } = rowsOf(design.units, design.width);
  const squares = new Float64Array(count);
  for (const cell of design.cells) {
    const kind = Math.floor(cell / units);
    for (const [w, bit] of WINDOW_BITS.entries())
      if ((kind & bit) === bit) {
        const row = w * units + (cell % units);
        squares[row] = (squares[row] as number) + 1 / design.size;
      }
  }
  for (const [i, value] of design.profile.entries()) {
    const row = profile + (i % design.width);
    squares[row] = (squares[row] as number) + value ** 2 / design.size;
  }
  squares[bias] = 1;
  return squares;
}

/**
 * The inverse of the diagonal of f's Hessian, were every sample's probability of a class the mean one, p: a column's
 * mean square times p (1 - p), plus the penalty.
 */
export function diagonalOf(
  design: Design,
  y: Uint8Array,
  block: Block,
  penalty: Penalty,
): Float64Array {
  const { count } = rowsOf(design.units, design.width);
  const diagonal = new Float64Array(stripsOf(block) * count * STRIP).fill(1);
  const shares = sharesOf(design, y, block);
  const pulls = pullsOf(design, penalty);
  for (const [row, square] of meanSquares(design).entries())
    for (const [k, p] of shares.entries())
      diagonal[indexOf(row, k, count)] = 1 / (square * p * (1 - p) + (pulls[row] as number));
  return diagonal;
}
