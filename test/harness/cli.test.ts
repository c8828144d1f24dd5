import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { artefactContents, writeMadeUp } from "../support/artefact.ts";
import { callCli, runCli } from "../support/cli.ts";

t.test("wrong use exits with 2, one message, and a suggestion", async (t) => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [["rum"], /did you mean run/],
    [[], /name a command/],
    [["run", "--dataset", "mimic4", "--tsk", "mortality"], /--task/],
    [
      ["run", "--dataset", "mimic5", "--task", "mortality"],
      /unknown dataset "mimic5"[\s\S]*"mimic4"/,
    ],
    [
      ["run", "--dataset", "mimic4", "--task", "mortalty"],
      /unknown task[\s\S]*did you mean "mortality"/,
    ],
    [
      ["run", "--dataset", "mimic4", "--task", "los", "--model", "transfomer"],
      /did you mean "transformer"/,
    ],
    [["run", "--dataset", "mimic4", "--task", "los", "--set", "learningRte=1"], /learningRate/],
    [
      ["run", "--dataset", "mimic4", "--task", "los", "--set", "learningRate=fast"],
      /is not a number/,
    ],
    [["run", "--dataset", "mimic4", "--task", "los", "--set", "learningRate"], /name=value/],
    [["run", "--dataset", "mimic4", "--task", "los", "--seeds", "1,x"], /--seeds/],
    [["run", "--dataset", "mimic4", "--task", "los", "--epochs", "0"], /--epochs/],
    [
      ["run", "--dataset", "mimic4", "--task", "readmission", "--task-option", "windowDays=0"],
      /from 1 to 365/,
    ],
    [["run", "--dataset", "mimic4", "--task", "los", "--require-real"], /--require-real/],
    [["synth", "--layout", "mimic4", "--subjects", "-3", "--out", "x"], /--subjects/],
    [
      ["synth", "--layout", "mimic9", "--subjects", "3", "--out", "x"],
      /--layout is "mimic9"; it is/,
    ],
    [["fetch"], /a word is missing[\s\S]*fetch --help/],
    [["run", "--dataset", "mimic4", "--task", "los", "--root", ""], /--root is empty/],
    [["run", "--dataset", "mimic4", "--task", "los", "--set", ""], /--set is empty/],
    [["run", "--dataset", "mimic4", "--task", "los", "--task", "los"], /--task is given 2 times/],
    [["run", "--dataset", "mimic4", "--task", "los", "--draws", "many"], /--draws is not a number/],
    [["run", "--dataset", "mimic4", "--task", "los", "--task-option", "x=1"], /there are none/],
  ];
  const dir = t.testdir({});
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await callCli(args, { MEDTOK_BENCH_CACHE: dir });
    t.equal(code, 2, args.join(" "));
    t.match(stderr, message, args.join(" "));
    t.match(stderr, /^error: /m, args.join(" "));
    t.notMatch(stderr, /\n\s+at /, "no stack");
    t.equal(stdout, "");
  }
});

t.test("a missing root is one message and exit code 1", async (t) => {
  const dir = t.testdir({});
  const missing = join(dir, "nowhere");
  const byFlag = await runCli([
    "ingest",
    "--dataset",
    "mimic4",
    "--root",
    missing,
    "--cache-dir",
    dir,
  ]);
  t.equal(byFlag.code, 1);
  t.match(byFlag.stderr, /nowhere does not exist\nwhere: --root/);
  const byVariable = await callCli(["ingest", "--dataset", "mimic3", "--cache-dir", dir], {
    MEDTOK_BENCH_MIMIC3: missing,
  });
  t.equal(byVariable.code, 1);
  t.match(byVariable.stderr, /where: environment variable MEDTOK_BENCH_MIMIC3/);
});

t.test("folders that cannot be written to are named before any work", async (t) => {
  const dir = t.testdir({ file: "" });
  const file = join(dir, "file");
  const run = (...more: string[]) =>
    callCli(["run", "--dataset", "mimic4", "--task", "los", "--twin-subjects", "100", ...more]);
  for (const [flags, message] of [
    [["--cache-dir", file], /cannot be made or used: it is a file[\s\S]*--cache-dir/],
    [["--cache-dir", join(dir, "cache"), "--out", file], /cannot be made or used[\s\S]*--out/],
    [["--cache-dir", join(dir, "cache"), "--out", join(file, "below")], /where: .*file\n/],
  ] as const) {
    const { code, stderr } = await run(...flags);
    t.equal(code, 1);
    t.match(stderr, message);
    t.notMatch(stderr, /ingest|\n\s+at /, "at once, without a stack");
  }
});

t.test("a place where no folder can be made is one message, not an endless wait", async (t) => {
  const dir = t.testdir({ file: "" });
  const tok = await writeMadeUp(join(dir, "tok"));
  const twin = ["--layout", "mimic4", "--subjects", "30"];
  for (const place of ["/proc/medtok-bench", join(dir, "file", "below")]) {
    for (const args of [
      ["run", "--dataset", "mimic4", "--task", "los", "--cache-dir", join(place, "deep")],
      ["run", "--dataset", "mimic4", "--task", "los", "--cache-dir", dir, "--out", place],
      ["synth", ...twin, "--out", join(place, "deep")],
      ["tokenizer", "export", "--dir", tok, "--out", place],
      ["tokenizer", "train", "--codes", join(dir, "none.csv"), "--out", join(place, "deep")],
    ]) {
      const { code, stderr } = await callCli(args);
      t.equal(code, 1, args.join(" "));
      t.match(stderr, /^error: .*(cannot|not a folder)/m, args.join(" "));
      t.notMatch(stderr, /ingest|\n\s+at /, args.join(" "));
    }
  }
});

t.test("what a tokenizer or model cannot do is told before anything is read", async (t) => {
  const dir = t.testdir({ empty: {}, "pairs.csv": "a,b\n" });
  const tok = await writeMadeUp(join(dir, "tok"), { tokens: null });
  const { tokens } = artefactContents();
  const bookless = { tokens: tokens && { ...tokens, codebook: null } };
  const imported = await writeMadeUp(join(dir, "imported"), bookless);
  for (const [flags, message] of [
    [["--tokenizer", "medtok", "--tokenizer-dir", join(dir, "none")], /no config\.json/],
    [["--tokenizer", "medtok", "--tokenizer-dir", join(dir, "empty")], /no config\.json/],
    [["--tokenizer", "vqgraph", "--tokenizer-dir", tok], /holds the tokenizer medtok/],
    [["--tokenizer-dir", tok], /baseline is made by the run itself/],
    [["--tokenizer", "bert-text", "--tokenizer-dir", tok], /bert-text is made by the run/],
    [
      ["--tokenizer", "medtok", "--tokenizer-dir", tok, "--tokenizer-set", "mode=tokens"],
      /has no tokens/,
    ],
    [
      ["--tokenizer", "medtok", "--tokenizer-dir", imported, "--tokenizer-set", "mode=codebook"],
      /reads the rows of the codebook, and this tokenizer has none/,
    ],
    [["--tokenizer", "medtok", "--tokenizer-set", "mode=words"], /mode cannot be words/],
    [["--tokenizer", "medtok", "--tokenizer-set", "heads=3"], /3 heads do not divide/],
    [["--tokenizer", "medtok", "--tokenizer-set", "graph=primekg"], /without PrimeKG/],
    [["--tokenizer", "vqgraph", "--tokenizer-set", "decay=2"], /decay cannot be 2/],
    [["--tokenizer", "random-vectors", "--tokenizer-set", "width=0"], /random-vectors of width 0/],
    [["--tokenizer", "bert-text", "--tokenizer-set", "text=sentence"], /without a sentence/],
    [["--model", "gamenet"], /table of drug interactions, and none was given/],
    [["--model", "gamenet", "--model-file", `ddi=${join(dir, "pairs.csv")}`], /columns are a, b/],
  ] as const) {
    const args = ["run", "--dataset", "mimic4", "--task", "drugrec", ...flags];
    const { code, stderr } = await callCli([...args, "--cache-dir", dir, "--out", dir]);
    t.ok(code === 1 || code === 2, flags.join(" "));
    t.match(stderr, message);
    t.notMatch(stderr, /ingest|SYNTHETIC|\n\s+at /, flags.join(" "));
  }
  const train = ["tokenizer", "train", "--dataset", "mimic4", "--out", join(dir, "new")];
  const { code, stderr } = await callCli([...train, "--cache-dir", dir, "--set", "mode=words"]);
  t.equal(code, 2);
  t.match(stderr, /mode cannot be words/);
  t.notMatch(stderr, /ingest|SYNTHETIC/);
});

t.test("what to do next names the files that were read", async (t) => {
  const dir = t.testdir({});
  const twin = join(dir, "a twin");
  const synth = await callCli([
    ...["synth", "--layout", "mimic4", "--subjects", "30", "--out", twin],
  ]);
  t.match(synth.stdout, `--root '${twin}'`);
  const ingest = await callCli([
    ...["ingest", "--dataset", "mimic4", "--root", twin, "--cache-dir", join(dir, "cache")],
  ]);
  t.match(ingest.stdout, `describe --dataset mimic4 --root '${twin}'`);
});

t.test("a reader of the progress who leaves does not end the work", async (t) => {
  const dir = t.testdir({});
  const out = join(dir, "out");
  const { code } = await runCli(
    [
      ...["run", "--dataset", "mimic4", "--task", "mortality", "--twin-subjects", "150"],
      ...[
        "--model",
        "logistic",
        "--epochs",
        "1",
        "--draws",
        "10",
        "--cache-dir",
        dir,
        "--out",
        out,
      ],
    ],
    { leaveLogAt: /ingest/ },
  );
  t.equal(code, 0);
  t.equal(readdirSync(join(out, "runs")).length, 1);
});

const full = existsSync("/dev/full");
t.test("a full disk behind stdout is one message", { skip: !full && "no /dev/full" }, async (t) => {
  const { code, stderr } = await runCli(["tasks"], { stdout: "/dev/full" });
  t.equal(code, 1);
  t.match(stderr, /^error: the output cannot be written/);
});

t.test("every command has help with an example", async (t) => {
  const { stdout } = await callCli(["--help"]);
  const names = [...stdout.matchAll(/^ {2}medtok-bench (\S+)/gm)].map((m) => m[1]);
  t.ok(names.length >= 11, `${names.length} commands in the help`);
  for (const name of names.filter((n): n is string => n !== undefined && !n.startsWith("<"))) {
    const help = await callCli([name, "--help"]);
    t.equal(help.code, 0, name);
    t.match(help.stdout, /Examples:/, name);
  }
});

t.test("lists are one JSON document on stdout", async (t) => {
  for (const list of ["datasets", "tasks", "models", "tokenizers"]) {
    const { code, stdout } = await callCli([list, "--json"]);
    t.equal(code, 0, list);
    const rows = JSON.parse(stdout) as { name: string }[];
    t.ok(rows.length > 0 && rows.every((row) => row.name !== ""), list);
  }
});

t.test("tasks tells the options with their defaults and ranges", async (t) => {
  const { stdout } = await callCli(["tasks"]);
  t.match(stdout, /--task-option windowDays=15 \(1 to 365\): /);
});

t.test("doctor says what is usable", async (t) => {
  const { code, stdout } = await callCli(["doctor", "--json", "--cache-dir", t.testdir({})]);
  t.equal(code, 0);
  const { checks } = JSON.parse(stdout) as { checks: { check: string; ok: boolean }[] };
  t.same(
    checks.slice(0, 3).map((c) => c.ok),
    [true, true, true],
  );
});

t.test(
  "doctor lists a cache and a folder of data that cannot be used, with what mends them",
  async (t) => {
    const file = join(t.testdir({ file: "" }), "file");
    const args = ["doctor", "--json", "--cache-dir", join(file, "below")];
    const { code, stdout } = await callCli(args, { MEDTOK_BENCH_MIMIC3: "/not/there" });
    t.equal(code, 1, "nothing runs without a cache");
    const { checks } = JSON.parse(stdout) as { checks: Record<string, unknown>[] };
    const failed = checks.filter(({ ok }) => ok === false);
    t.match(failed, [
      { check: "private cache", fix: /--cache-dir/ },
      { check: "mimic3 files", found: /MEDTOK_BENCH_MIMIC3: the folder \/not\/there does not/ },
    ]);
    const usable = ["doctor", "--json", "--cache-dir", t.testdirName];
    t.equal((await callCli(usable, { MEDTOK_BENCH_MIMIC3: "/not/there" })).code, 0, "others run");
  },
);

t.test("Ctrl-C leaves nothing half-written and exits with 130", async (t) => {
  const dir = t.testdir({ cache: {}, results: {} });
  const args = ["run", "--dataset", "mimic4", "--task", "mortality", "--twin-subjects", "400"];
  const { code, stderr } = await runCli(
    [
      ...args,
      "--epochs",
      "500",
      "--patience",
      "500",
      "--cache-dir",
      join(dir, "cache"),
      "--out",
      join(dir, "results"),
    ],
    { interruptAt: /samples: done/ },
  );
  t.equal(code, 130, stderr);
  t.match(stderr, /interrupted/);
  t.notOk(
    existsSync(join(dir, "results", "runs")) &&
      readdirSync(join(dir, "results", "runs")).length > 0,
  );
  for (const entry of readdirSync(join(dir, "cache"), { recursive: true, encoding: "utf8" })) {
    t.notMatch(entry, /partial|tmp|\.csv$/, entry);
  }
});
