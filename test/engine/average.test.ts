import t from "tap";
import { Random } from "../../core/random.ts";
import { ParameterAverage } from "../../engine/average.ts";
import { Graph } from "../../engine/graph.ts";
import { zeros } from "../../engine/initial.ts";
import { State } from "../../engine/state.ts";

function oneParameter(): State {
  const graph = new Graph({ training: true });
  graph.parameter("w", [3], zeros, false);
  return new State(graph.parameters, Random.fromSeed(0).derive("init"));
}

t.test("the average follows the recurrence with its warm-up", async (t) => {
  const state = oneParameter();
  const average = new ParameterAverage(state, 0.5);
  let expected = 0;
  for (let step = 1; step <= 12; step++) {
    state.parameter("w").fill(step);
    state.step = step;
    average.update();
    const decay = Math.min(0.5, (1 + step) / (10 + step));
    expected = Math.fround(expected + (1 - decay) * (step - expected));
  }
  const seen = await average.during(async () => [...state.parameter("w")]);
  for (const value of seen) t.ok(Math.abs(value - expected) < 1e-5, `${value} is ${expected}`);
  t.same([...state.parameter("w")], [12, 12, 12], "training goes on from the current parameters");
});

t.test("a decay of 0 scores and keeps the current parameters", async (t) => {
  const state = oneParameter();
  const average = new ParameterAverage(state, 0);
  state.parameter("w").fill(7);
  average.update();
  t.same(await average.during(async () => [...state.parameter("w")]), [7, 7, 7]);
});

t.test("the current parameters come back when scoring fails", async (t) => {
  const state = oneParameter();
  const average = new ParameterAverage(state, 0.9);
  state.parameter("w").fill(3);
  await t.rejects(
    average.during(() => Promise.reject(new Error("no score"))),
    /no score/,
  );
  t.same([...state.parameter("w")], [3, 3, 3]);
});
