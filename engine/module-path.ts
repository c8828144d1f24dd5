/** Where in a model a graph is being built, for the names of its values and for messages. */

/** A mistake in how a graph was put together; it names the module path, the operation and the shapes. */
export class ShapeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ShapeError";
  }
}

export class ModulePath {
  readonly #names: string[] = [];

  /** Runs `build` with `name` appended to the module path of everything it makes. */
  scope<T>(name: string, build: () => T): T {
    this.#names.push(name);
    try {
      return build();
    } finally {
      this.#names.pop();
    }
  }

  /** The module path followed by `name`. */
  pathOf(name: string): string {
    return [...this.#names, name].join(".");
  }

  /** @throws ShapeError `<path>: <op>: <message>`. */
  fail(op: string, message: string): never {
    throw new ShapeError(
      `${this.#names.length > 0 ? `${this.#names.join(".")}: ` : ""}${op}: ${message}`,
    );
  }
}
