/** Types of elements, and the arrays that hold them. */

/** The float type of a graph; float64 is for gradient checks. */
export type FloatType = "float32" | "float64";
export type ElementType = FloatType | "int32" | "int64" | "bool";

/** Arrays of a graph's float type. */
export const FLOAT_ARRAYS = { float32: Float32Array, float64: Float64Array } as const;
export type ConstantArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
