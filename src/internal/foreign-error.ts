// Errors of another realm. Under Jest and in Vitest's vm pools, the errors of Node and of the engine are not `instanceof Error`.

const property = (error: unknown, name: 'code' | 'message' | 'name'): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

/** Node's code of an error, such as `ENOENT`. */
export const errorCode = (error: unknown): string | undefined => {
  const code = property(error, 'code');
  return typeof code === 'string' ? code : undefined;
};

/** The class of an error, such as `RangeError`. */
export const errorName = (error: unknown): string | undefined => {
  const name = property(error, 'name');
  return typeof name === 'string' ? name : undefined;
};

/** The message of an error, or the text of any other value that was thrown. */
export const errorMessage = (error: unknown): string => {
  const message = property(error, 'message');
  return typeof message === 'string' ? message : String(error);
};
