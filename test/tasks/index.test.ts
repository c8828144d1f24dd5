import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";
import { tasks } from "../../tasks/index.ts";

t.test("every file that defines a task is listed under the file's name", (t) => {
  const folder = join(packageRoot, "tasks");
  const files = readdirSync(folder).filter((file) =>
    readFileSync(join(folder, file), "utf8").includes(": TaskDefinition = "),
  );
  t.same(
    files.map((file) => file.replace(".ts", "")).sort(),
    [...tasks.names].sort(),
    "add the missing one to tasks/index.ts",
  );
  t.end();
});

for (const task of tasks.all) {
  t.test(`${task.name} says what it is`, (t) => {
    const { kind, classes } = task.labelSpec;
    t.match(task.description, /\?$/, "a question");
    t.not(task.reference, "");
    t.ok(task.rules.length >= 4);
    for (const rule of task.rules) t.match(rule, /^[A-Z].*\.$/, "a sentence");
    t.equal(kind === "binary", classes.length === 1);
    t.equal(new Set(classes).size, classes.length);
    // The export joins names of positive classes by a bar.
    t.notOk(classes.some((name) => name === "" || name.includes("|")));
    t.equal(kind === "binary", task.trueRisk !== undefined);
    if (task.trueOrders !== undefined) t.equal(kind, "multilabel");
    t.same(task.datasets.slice(0, 2), ["mimic3", "mimic4"]);
    t.end();
  });

  t.test(`${task.name} asks for no more than one SELECT, without options given`, (t) => {
    const sql = task.labels({});
    t.match(sql, /^WITH /);
    t.notMatch(sql, /;|undefined|NaN|--/);
    t.end();
  });
}
