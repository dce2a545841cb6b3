/** Whether a value of any type has a method of this name. */
export const hasMethod = <Name extends string>(
  value: unknown,
  name: Name,
): value is { readonly [Key in Name]: (...args: never[]) => unknown } =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  typeof Reflect.get(value, name) === 'function';
