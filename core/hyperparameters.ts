/** Hyperparameters are numbers, booleans or words, so that a command line can set each of them. */
export type Hyperparameters = Readonly<Record<string, number | string | boolean>>;
