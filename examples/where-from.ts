// Prints the origin of the newest 100 events, from databases in MaxMind's format: GeoLite2 City and ASN, GeoIP2 Enterprise, …
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN, and pass the databases:
//   node examples/where-from.ts GeoLite2-City.mmdb GeoLite2-ASN.mmdb
import { open } from 'maxmind';
import { maxmindLookup, PlanetScaleAuditClient, printable, toRunRevealRow } from 'planetscale-audit';

const databases = await Promise.all(process.argv.slice(2).map((path) => open(path)));
const lookupIp = maxmindLookup(...databases);

const { events } = await PlanetScaleAuditClient.fromEnv().page();
for (const event of events) {
  const { eventTime, eventName, srcIP, srcASCountryCode, srcCity, srcASOrganization } = toRunRevealRow(event, {
    lookupIp,
  });
  console.log([eventTime, eventName, srcIP, srcASCountryCode, srcCity, srcASOrganization].map(printable).join('\t'));
}
