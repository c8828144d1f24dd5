import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import t from "tap";

/** Loads the runtime as the engine does and computes something, in a process of its own. */
const PROGRAM = `
  import { Graph } from "./engine/graph.ts";
  import { add } from "./engine/ops/elementwise.ts";
  import { Session } from "./engine/runner.ts";
  import { toOnnx } from "./engine/onnx.ts";
  const g = new Graph();
  const y = add(g.input("x", ["B", 2]), g.input("x2", ["B", 2]));
  const session = await Session.create(toOnnx(g, [y]));
  const results = await session.run({ x: Float32Array.of(1, 2), x2: Float32Array.of(3, 4) }, { B: 1 });
  await session.release();
  console.log(results.get(y.name).join());
`;

t.test("the runtime keeps no device id and queues nothing for its makers", async (t) => {
  const home = t.testdir({});
  // Without what would switch it off by itself: the variable of .taprc, and what marks a build server.
  const { ORT_DISABLE_TELEMETRY: _off, CI: _server, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import=tsx", "--input-type=module", "--eval", PROGRAM],
    {
      env: { ...env, HOME: home, XDG_CACHE_HOME: home, LOCALAPPDATA: home },
      encoding: "utf8",
    },
  );
  t.equal(status, 0, stderr);
  t.equal(stdout.trim(), "4,6");
  t.same(readdirSync(home, { recursive: true }), []);
});
