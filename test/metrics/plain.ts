/**
 * The same metrics written the slow, plain way, straight from their definitions and sharing no code with
 * `metrics/`. All take labels and probabilities of one class.
 */

/** Average precision: at each distinct threshold, recall gained times precision. */
export function plainAveragePrecision(labels: number[], probabilities: number[]): number {
  const all = labels.filter((y) => y === 1).length;
  if (all === 0 || all === labels.length) return Number.NaN;
  const thresholds = [...new Set(probabilities)].sort((a, b) => b - a);
  let recallBefore = 0;
  let area = 0;
  for (const threshold of thresholds) {
    const predicted = labels.filter((_, i) => (probabilities[i] ?? 0) >= threshold);
    const hits = predicted.filter((y) => y === 1).length;
    area += (hits / all - recallBefore) * (hits / predicted.length);
    recallBefore = hits / all;
  }
  return area;
}

/** Share of (positive, negative) pairs in the right order, ties one half. */
export function plainAreaUnderRoc(labels: number[], probabilities: number[]): number {
  let right = 0;
  let pairs = 0;
  labels.forEach((y, i) => {
    labels.forEach((z, j) => {
      if (y !== 1 || z !== 0) return;
      const difference = (probabilities[i] ?? 0) - (probabilities[j] ?? 0);
      pairs++;
      right += difference > 0 ? 1 : difference === 0 ? 0.5 : 0;
    });
  });
  return right / pairs;
}

export function plainF1(labels: number[], probabilities: number[], threshold: number): number {
  let hits = 0;
  let wrong = 0;
  labels.forEach((y, i) => {
    const predicted = (probabilities[i] ?? 0) >= threshold ? 1 : 0;
    if (y === 1 && predicted === 1) hits++;
    if (y !== predicted) wrong++;
  });
  return labels.includes(1) ? (2 * hits) / (2 * hits + wrong) : Number.NaN;
}

export function plainBrier(labels: number[], probabilities: number[]): number {
  return (
    labels.map((y, i) => (y - (probabilities[i] ?? 0)) ** 2).reduce((a, b) => a + b, 0) /
    labels.length
  );
}

/** Ten bins [0, 0.1) … [0.9, 1]: share of samples times (mean label - mean probability), 0 where empty. */
export function plainGaps(labels: number[], probabilities: number[]): number[] {
  return Array.from({ length: 10 }, (_, bin) => {
    const inside = labels
      .map((y, i) => ({ y, p: probabilities[i] ?? 0 }))
      .filter(({ p }) => Math.min(9, Math.floor(p * 10)) === bin);
    if (inside.length === 0) return 0;
    const meanLabel = inside.reduce((sum, { y }) => sum + y, 0) / inside.length;
    const meanProbability = inside.reduce((sum, { p }) => sum + p, 0) / inside.length;
    return (inside.length / labels.length) * (meanLabel - meanProbability);
  });
}

export function plainCalibrationError(labels: number[], probabilities: number[]): number {
  return plainGaps(labels, probabilities).reduce((error, gap) => error + Math.abs(gap), 0);
}
