// Serves a made-up PlanetScale on loopback, to try the command line and the examples without a token. It has 300 events of the last three
// days, and adds one every five seconds. Standard output is a file of variables: npx node examples/fake-planetscale.ts > fake.env
import { fakePlanetScale, listen } from 'planetscale-audit/testing';

const actions = [
  { audit_action: 'deploy_request.queued' },
  { audit_action: 'database_branch.created' },
  { audit_action: 'database_branch_password.created' },
  { audit_action: 'organization.joined' },
  { audit_action: 'database_branch.deleted' },
];
const people = [
  { actor_id: 'd4hkujnkswjk', actor_type: 'User', actor_display_name: 'Ada Example', remote_ip: '203.0.113.24' },
  { actor_id: 'p7x0c2vv9ma1', actor_type: 'User', actor_display_name: 'Grace Sample', remote_ip: '2001:db8::1a2b' },
];
const minutesApart = 15;
const credentials = { serviceTokenId: 'faketokenid1', serviceToken: 'pscale_tkn_fake' };

const fake = fakePlanetScale(credentials);
const server = await listen(fake);
let count = 0;

function addEvent(createdMs: number): void {
  fake.add({
    created_at: new Date(createdMs).toISOString(),
    ...actions[count % actions.length],
    ...people[count % people.length],
  });
  count++;
}

for (let age = 300; age > 0; age--) addEvent(Date.now() - age * minutesApart * 60_000);
setInterval(() => addEvent(Date.now()), 5000);

console.log(`PLANETSCALE_ORG=acme
PLANETSCALE_SERVICE_TOKEN_ID=${credentials.serviceTokenId}
PLANETSCALE_SERVICE_TOKEN=${credentials.serviceToken}
PLANETSCALE_API_URL=${server.url}`);
console.error('The made-up PlanetScale is ready. Press Ctrl-C to end it.');
