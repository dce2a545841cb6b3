import type { AuditEvent } from 'planetscale-audit';

type Fields = Partial<AuditEvent>;
const who = (actor_id: string, actor_display_name: string, remote_ip: string, actor_type = 'User'): Fields => ({
  actor_id,
  actor_type,
  actor_display_name,
  remote_ip,
});
const ada = who('ada', 'ada@example.com', '203.0.113.1');
const bob = who('bob', 'Bob Example', '203.0.113.2');
const robot = who('robot', 'deploy-bot', '203.0.113.3', 'ServiceToken');
const planetScale: Fields = { actor_id: null, actor_type: null, actor_display_name: null, remote_ip: null };
const nameless: Fields = { ...planetScale, actor_type: 'ServiceToken' };

const on = (auditable_display_name: string, target_display_name = 'dogs'): Fields => ({
  auditable_id: `id of ${auditable_display_name}`,
  auditable_display_name,
  target_display_name,
});

export const now = Date.now();
const ago = ({ days = 0, minutes = 0 }: { days?: number; minutes?: number }) =>
  new Date(now - (days * 24 * 60 + minutes) * 60_000);
/** A time as ClickHouse writes a DateTime. */
export const at = (date: Date) => date.toISOString().slice(0, 19).replace('T', ' ');
const did = (actor: Fields, audit_action: string, date: Date, fields: Fields = {}): Fields => ({
  ...on('something'),
  metadata: {},
  ...actor,
  audit_action,
  created_at: date.toISOString(),
  ...fields,
});

export const passwordGone = ago({ minutes: 30 });
export const roleGone = ago({ days: 20 });
const backups = [16, 15, 14, 13].map((minutes) => ago({ days: 6, minutes }));
export const maintenance = [5, 4, 3, 2, 1].map((minutes) => ago({ days: 5, minutes }));
export const failover = [ago({ days: 20 }), ago({ days: 8 })];
export const tokenLeak = ago({ days: 12 });
export const passwordLeaks = [ago({ days: 11 }), ago({ days: 10 })];
export const accessLeak = ago({ days: 9 });
export const namelessLeak = ago({ days: 7 });
export const invited = ago({ days: 58 });
export const admitted = ago({ days: 57 });

const unnamed: Fields = { auditable_id: null, auditable_display_name: null };
const admin = { metadata: { role: 'admin' } };

/** The events that each query must find, and events just outside each of its limits, which it must not find. */
export const events: readonly Fields[] = [
  did(robot, 'database_branch_password.deleted', passwordGone, on('production')),
  did(bob, 'postgres_role.deleted', roleGone, on('reader')),
  did(bob, 'postgres_role.deleted', ago({ days: 31 }), on('too long ago')),
  ...['branch.deleted', 'database_branch.deleted'].map((name) => did(ada, name, ago({ days: 3 }), on('main'))),

  // Two of these objects have no id.
  ...backups.map((date, index) =>
    did(robot, 'backup_policy.deleted', date, index < 2 ? unnamed : on(`weekly ${index}`)),
  ),
  ...maintenance.map((date, index) =>
    did(planetScale, 'branch_maintenance_window.deleted', date, on(`window ${index}`)),
  ),
  ...failover.map((date) => did(planetScale, 'regional_failover_event.created', date)),
  did(planetScale, 'regional_failover_event.created', ago({ days: 31 })),
  did(nameless, 'integration.created', ago({ days: 8 })),

  did(planetScale, 'service_token.token_leaked', tokenLeak, on('old-ci', 'acme')),
  did(ada, 'service_token.deleted', ago({ days: 10 }), on('old-ci', 'acme')),
  ...passwordLeaks.map((date, index) =>
    did(planetScale, 'database_branch_password.password_leaked', date, on(index ? 'staging' : 'production')),
  ),
  // An object of another kind with the same id.
  did(ada, 'service_token.deleted', ago({ days: 9 }), on('staging', 'acme')),
  did(planetScale, 'access_token.token_leaked', accessLeak, on('laptop', 'acme')),
  did(ada, 'access_token.deleted', ago({ days: 8 }), on('laptop', 'acme')),
  did(planetScale, 'service_token.token_leaked', namelessLeak, unnamed),
  did(ada, 'service_token.deleted', ago({ days: 6 }), unnamed),

  did(ada, 'database_branch.created', ago({ days: 17 })),
  ...[
    'branch.created',
    'deploy_request.created',
    'deploy_request.closed',
    'deploy_request.deleted',
    'deploy_request.approved',
    'deploy_request.unqueued',
    'organization.updated_role',
  ].map((name) => did(ada, name, ago({ days: 18 }))),

  did(ada, 'organization_invitation.created', invited, {
    ...on('eve@example.com'),
    // JSON that ClickHouse cannot read.
    metadata: { count: 2 ** 65, role: { is: 'Admin' } },
  }),
  did(ada, 'organization_membership.created', admitted, { ...on('Eve Example'), ...admin }),
  did(ada, 'organization_membership.updated_role', ago({ days: 40 }), admin),
  did(ada, 'organization_membership.created', ago({ days: 14 }), { metadata: { role: 'analyst' } }),
  did(ada, 'organization_membership.created', ago({ days: 91 }), admin),
];
