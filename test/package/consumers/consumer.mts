// A program of a user, which test/package/consumers/typescript.ts compiles with many versions of TypeScript. It has no top-level
// await, so that it is a CommonJS module too.
import {
  type AuditAction,
  type AuditEvent,
  type CursorStore,
  knownAuditActions,
  PlanetScaleAuditClient,
  poller,
  type RunRevealRow,
  runRevealColumns,
  runRevealRowSchema,
  toOcsf,
  toRunRevealRow,
} from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { cursorTableDdl, type PostgresLike, postgresCursorStore } from 'planetscale-audit/stores';
import { cursorStoreChecks, fakePlanetScale } from 'planetscale-audit/testing';

// The declarations of these name types of the package that nobody has imported.
export const ocsf = (event: AuditEvent) => toOcsf(event);
export const metadataOf = (event: AuditEvent) => event.metadata;
export const actorTypeOf = (event: AuditEvent) => event.actor_type;
export const cursorOf = (store: CursorStore) => store.get('planetscale-audit:acme');
export const openOf = ({ open }: Parameters<typeof cursorStoreChecks>[0]) => open;
export const storeIn = (client: PostgresLike) => postgresCursorStore(client, { table: 'security.cursors' });
export const sql = cursorTableDdl('mysql');
export const client = () => PlanetScaleAuditClient.fromEnv();
export const schema = runRevealRowSchema;

export async function main(): Promise<number> {
  const fake = fakePlanetScale();
  const credentials = { serviceTokenId: 'faketokenid1', serviceToken: 'pscale_tkn_fake' };
  const source = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
  const actions: readonly AuditAction[] = ['branch.created', 'an.action.of.tomorrow'];
  fake.add({ audit_action: 'branch.created' }, { audit_action: 'branch.deleted' });
  const rows: RunRevealRow[] = [];
  for await (const event of poller(source, { store: new Map(), actions, drain: true, onNotice: () => {} })) {
    rows.push(toRunRevealRow(event, { sourceTTL: 30 }));
  }
  const checks = cursorStoreChecks({ open: () => fileCursorStore('./cursors') });
  if (checks.length === 0 || knownAuditActions.length !== 91 || runRevealColumns.length !== 53) return 0;
  return rows.map((row) => runRevealRowSchema.parse(row)).filter(({ eventName }) => eventName === 'branch.created')
    .length;
}
