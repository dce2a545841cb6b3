/** The headers that this library reads are dates, numbers and names of proxies. */
const maxHeaderLength = 1000;

/** Returns the value of a header, or `''` if it is missing or too long to read. */
export const readHeader = (headers: Headers, name: string): string => {
  const value = headers.get(name) ?? '';
  return value.length > maxHeaderLength ? '' : value;
};
