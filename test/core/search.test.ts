import t from "tap";
import { firstNotBefore } from "../../core/search.ts";

t.test("finds what a plain search finds, in every part of every short list", (t) => {
  for (let size = 0; size < 7; size++) {
    for (let mask = 0; mask < 3 ** size; mask++) {
      const values = Array.from({ length: size }, (_, i) => Math.floor(mask / 3 ** i) % 3).sort();
      for (let low = 0; low <= size; low++) {
        const found = firstNotBefore(low, size, (i) => (values[i] ?? 9) < 1);
        const plain = values.findIndex((value, i) => i >= low && value >= 1);
        if (found !== (plain < 0 ? size : plain)) t.fail(`${values} from ${low}: ${found}`);
      }
    }
  }
  t.equal(
    firstNotBefore(3, 3, () => true),
    3,
  );
  t.end();
});
