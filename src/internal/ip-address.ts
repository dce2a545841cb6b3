const ipv4Pattern = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const ipv6Pattern = /^(?:[\da-f]{1,4}(?::(?!$)|$)){8}$/;

/**
 * The canonical text of an IP address, so that one address is one value: IPv4 as it is, IPv6 as RFC 5952 has it, lower case and
 * compressed. An IPv4-mapped address stays IPv6, `::ffff:203.0.113.7`. `''` for all that is not a bare address: a port,
 * brackets, a zone, a prefix length.
 */
export function canonicalIpAddress(text: string): string {
  const address = text.trim();
  if (ipv4Pattern.test(address)) return address;
  const groups = allGroups(hexOnly(address.toLowerCase()));
  if (!ipv6Pattern.test(groups)) return '';
  return compressed(groups.replace(/\b0+(?=[\da-f])/g, ''));
}

/** The last two groups may be written as an IPv4 address: `::ffff:203.0.113.7` becomes `::ffff:cb00:7107`. */
function hexOnly(address: string): string {
  const tailStart = address.lastIndexOf(':') + 1;
  const tail = address.slice(tailStart);
  if (!ipv4Pattern.test(tail)) return address;
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number);
  return `${address.slice(0, tailStart)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** Writes out the groups that `::` stands for, which are one at least. What comes out need not be an address. */
function allGroups(address: string): string {
  const gap = address.indexOf('::');
  if (gap === -1) return address;
  const head = address.slice(0, gap);
  const tail = address.slice(gap + 2);
  const missing = 8 - groupCount(head) - groupCount(tail);
  return missing < 1 ? '' : `${head && `${head}:`}${'0:'.repeat(missing - 1)}0${tail && `:${tail}`}`;
}

const groupCount = (text: string): number => (text === '' ? 0 : text.split(':').length);

/** From eight groups without leading zeros. */
function compressed(groups: string): string {
  const [, high, low] = /^0:0:0:0:0:ffff:(.+):(.+)$/.exec(groups) ?? [];
  if (high !== undefined && low !== undefined) return `::ffff:${dotted(high)}.${dotted(low)}`;
  let longest = '';
  for (const run of groups.match(/(?:^|:)0(?::0)+(?:$|:)/g) ?? []) {
    if (zeroCount(run) > zeroCount(longest)) longest = run;
  }
  return longest === '' ? groups : groups.replace(longest, '::');
}

const dotted = (group: string): string => {
  const value = Number.parseInt(group, 16);
  return `${value >> 8}.${value & 255}`;
};

const zeroCount = (run: string): number => run.split('0').length - 1;
