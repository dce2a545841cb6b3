// Posts a message to a Slack channel for each leaked secret and each change of single sign-on. Slack may show a message twice if the
// program ends between the message and the save of the cursor, and misses none. Let a supervisor such as systemd restart it.
// Set SLACK_WEBHOOK_URL, the URL of an incoming webhook, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { type AuditAction, type AuditEvent, PlanetScaleAuditClient, poller, printable } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const actions: readonly AuditAction[] = [
  'access_token.token_leaked',
  'service_token.token_leaked',
  'database_branch_password.password_leaked',
  'organization.enabled_sso',
  'organization.disabled_sso',
  'organization.enabled_sso_directory',
  'organization.disabled_sso_directory',
];

const url = process.env.SLACK_WEBHOOK_URL;
if (!url || !URL.canParse(url))
  throw new Error('SLACK_WEBHOOK_URL is no URL. Copy the URL of an incoming webhook of Slack.');

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  key: `slack:${client.organization}`, // The cursor of a poller with other actions would skip events.
  startFrom: { since: new Date(Date.now() - 24 * 60 * 60_000) }, // The first run shows at once whether it works.
  actions,
  signal: stop.signal,
});

for await (const event of events) {
  await post(messageOf(event));
  console.log(printable(`posted ${event.id} ${event.audit_action}`));
}

function messageOf({
  audit_action,
  actor_display_name,
  target_display_name,
  remote_ip,
  created_at,
}: AuditEvent): string {
  const from = remote_ip ? ` from ${remote_ip}` : '';
  const on = target_display_name ? ` on ${target_display_name}` : '';
  return `:rotating_light: ${audit_action}${on} by ${actor_display_name ?? 'PlanetScale'}${from} at ${created_at}`;
}

/** Throws if Slack does not accept the message. The program then ends, and the next run posts the message again. */
async function post(message: string): Promise<void> {
  // Slack reads <!channel> and <https://…|…> as markup. A name in the log could hold both.
  const text = printable(message).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const body = JSON.stringify({ text });
  const response = await fetch(url ?? '', { method: 'POST', body, signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`Slack answered ${response.status} (${printable(await response.text())}).`);
}
