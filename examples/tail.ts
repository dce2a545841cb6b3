// Prints each new event of an organization on one line. A restart resumes after the last printed event. Ctrl-C ends the program, and so
// does a reader that closes the pipe, such as head.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { type AuditEvent, PlanetScaleAuditClient, poller, printable } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  startFrom: { newest: 20 },
  signal: stop.signal,
});

process.stdout.on('error', () => {}); // write() reports the error too.

try {
  // The loop asks for the next event, and so acknowledges this one, only once the line has been written.
  for await (const event of events) await write(`${lineOf(event)}\n`);
} catch (error) {
  if (!isClosedPipe(error)) throw error;
}

function lineOf({ created_at, audit_action, actor_display_name, auditable_display_name }: AuditEvent): string {
  const fields = [created_at, audit_action, actor_display_name ?? 'PlanetScale', auditable_display_name ?? ''];
  return printable(fields.join(' '));
}

function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
