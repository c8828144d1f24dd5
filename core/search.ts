/** Binary search. */

/**
 * First position from `low` below `high` that `isBefore` does not hold of, given that it holds of all
 * positions up to some point and of none after; `high` when it holds of all.
 */
export function firstNotBefore(
  low: number,
  high: number,
  isBefore: (position: number) => boolean,
): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(middle)) from = middle + 1;
    else to = middle;
  }
  return from;
}
