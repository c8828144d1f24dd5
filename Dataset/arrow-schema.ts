/**
 * Arrow's own description of the event columns, put into the parquet files so that readers of Arrow take
 * text_value as "large string", the type the MEDS schema demands; parquet itself knows one string type.
 * Made with pyarrow: base64 of schema.serialize() over the columns of the view `events`, in their order, as
 * int64, timestamp[us], string, float32, large_string, int64, string, string.
 */
export const EVENTS_ARROW_SCHEMA: string = [
  "/////+ABAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAgAAAB0AQAAMAEAAAAB",
  "AADIAAAAmAAAAGAAAAAwAAAABAAAALz+//8AAAEFEAAAABgAAAAEAAAAAAAAAAUAAAByb3V0ZQAAABj////k/v//",
  "AAABBRAAAAAcAAAABAAAAAAAAAAJAAAAZHJ1Z190eXBlAAAARP///xD///8AAAECEAAAABwAAAAEAAAAAAAAAAgA",
  "AAB2aXNpdF9pZAAAAAAA////AAAAAUAAAABE////AAABFBAAAAAcAAAABAAAAAAAAAAKAAAAdGV4dF92YWx1ZQAA",
  "pP///3D///8AAAEDEAAAACAAAAAEAAAAAAAAAA0AAABudW1lcmljX3ZhbHVlAAAAqv///wAAAQCk////AAABBRAA",
  "AAAcAAAABAAAAAAAAAAEAAAAY29kZQAAAAAEAAQABAAAAND///8AAAEKEAAAABwAAAAEAAAAAAAAAAQAAAB0aW1l",
  "AAAGAAgABgAGAAAAAAACABAAFAAIAAYABwAMAAAAEAAQAAAAAAABAhAAAAAkAAAABAAAAAAAAAAKAAAAc3ViamVj",
  "dF9pZAAACAAMAAgABwAIAAAAAAAAAUAAAAA=",
].join("");
