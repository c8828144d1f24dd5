/** Which task a command is about: a registered one, or one from a file. */
import { existsSync, readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import type { Options } from "yargs";
import { BenchError } from "../core/errors.ts";
import type { TaskDefinition, TaskOptions } from "../core/task.ts";
import { datasets } from "../Dataset/index.ts";
import { customTask, parseCustomTask } from "../tasks/custom.ts";
import { tasks } from "../tasks/index.ts";
import { PHENOTYPE_24 } from "../tasks/phenotype-24.ts";
import { isPublished, PUBLISHED, publishedTask } from "../tasks/published.ts";
import { labelFileTask } from "./label-file.ts";
import { taskInputs, taskOptions } from "./options.ts";
import { paperPhenotypes } from "./paper-phenotypes.ts";

/** Flags of every command about a task. */
export const taskFlags = {
  task: { type: "string", describe: `which task: ${tasks.names.join(", ")}` },
  "task-file": {
    type: "string",
    describe:
      "a task from a file: labels (.csv, .parquet, MEDS label schema) or a definition (.json)",
  },
  "task-option": {
    type: "string",
    array: true,
    default: [],
    describe: "name=value, e.g. windowDays=30",
  },
  "task-input": {
    type: "string",
    array: true,
    default: [],
    describe: `name=path, a file that a task is made of: kg and codes of ${PHENOTYPE_24} (docs/paper-protocol.md)`,
  },
} as const satisfies Record<string, Options>;

export interface TaskFlags {
  readonly task?: string | undefined;
  readonly "task-file"?: string | undefined;
  readonly "task-option": readonly string[];
  readonly "task-input"?: readonly string[];
}

function wrongUse(what: string, where: string, fix: string): BenchError {
  return new BenchError({ what, where, fix, exitCode: 2 });
}

async function taskFromFile(path: string): Promise<TaskDefinition> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw wrongUse(
      `the file ${path} does not exist`,
      "--task-file",
      "give a .json, .csv or .parquet file",
    );
  }
  const read = async () => {
    switch (extname(file)) {
      case ".json":
        return customTask(path, parseCustomTask(path, readFileSync(file, "utf8")), datasets.names);
      case ".csv":
      case ".parquet":
        return await labelFileTask(file, datasets.names);
      default:
        throw wrongUse(
          `the ending of ${path} is not known`,
          "--task-file",
          "give a .json, .csv or .parquet file",
        );
    }
  };
  const task = await read();
  if (!tasks.names.includes(task.name)) return task;
  throw wrongUse(
    `"${task.name}" is the name of a task of this benchmark`,
    path,
    "give the task in the file, or the label file, another name",
  );
}

/** A registered task, one made of files, or `published-NAME`: labels that come with the source. */
async function taskOfName(
  name: string,
  inputs: Readonly<Record<string, string>>,
): Promise<TaskDefinition> {
  if (name === PHENOTYPE_24) return paperPhenotypes(inputs);
  if (Object.keys(inputs).length > 0) {
    throw wrongUse(
      `task ${name} is made of no files`,
      "--task-input",
      `leave it out, or use --task ${PHENOTYPE_24}`,
    );
  }
  const own = name.startsWith(PUBLISHED) ? name.slice(PUBLISHED.length) : "";
  return isPublished(own) ? publishedTask(own) : tasks.get(name);
}

/**
 * The task that the flags name, with its options.
 * @throws BenchError when there is none, or two.
 */
export async function chooseTask(
  flags: TaskFlags,
): Promise<{ task: TaskDefinition; options: TaskOptions }> {
  const { task: name, "task-file": file } = flags;
  if ((name === undefined) === (file === undefined)) {
    throw wrongUse(
      name === undefined ? "no task is given" : "--task and --task-file both name a task",
      "command line",
      `give one of --task (${tasks.names.join(", ")}) and --task-file`,
    );
  }
  const inputs = taskInputs(flags["task-input"] ?? []);
  if (file !== undefined && Object.keys(inputs).length > 0) {
    throw wrongUse("a task from a file takes no inputs", "--task-input", "leave it out");
  }
  const task = file === undefined ? await taskOfName(name ?? "", inputs) : await taskFromFile(file);
  return { task, options: taskOptions(task, flags["task-option"]) };
}
