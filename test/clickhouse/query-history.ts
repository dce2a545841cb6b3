import type { AuditEvent } from 'planetscale-audit';

type Fields = Partial<AuditEvent>;
const who = (actor_id: string, actor_display_name: string, remote_ip: string, actor_type = 'User'): Fields => ({
  actor_id,
  actor_type,
  actor_display_name,
  remote_ip,
});
const ada = who('ada', 'ada@example.com', '203.0.113.1');
const adaAbroad = { ...ada, remote_ip: '2001:db8::1' };
const bob = who('bob', 'Bob Example', '203.0.113.2');
const robot = who('robot', 'deploy-bot', '203.0.113.3', 'ServiceToken');
const planetScale: Fields = { actor_id: null, actor_type: null, actor_display_name: null, remote_ip: null };
const nameless: Fields = { ...planetScale, actor_type: 'ServiceToken' };
const [unitedStates, netherlands] = ['203.0.113.4', '198.51.100.9'];

const on = (auditable_display_name: string, target_display_name = 'dogs'): Fields => ({
  auditable_id: `id of ${auditable_display_name}`,
  auditable_display_name,
  target_display_name,
});

export const now = Date.now();
export const ago = ({ days = 0, minutes = 0 }: { days?: number; minutes?: number }) =>
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

export const branchGone = ago({ days: 3 });
export const databaseDeletionRequested = ago({ days: 2 });
export const databaseGone = ago({ days: 1 });
export const passwordGone = ago({ minutes: 30 });
export const oldBranchGone = ago({ days: 19 });
export const roleGone = ago({ days: 20 });
export const tokenMade = ago({ days: 5 });
export const accessGiven = ago({ days: 4 });
export const oldAccessGiven = ago({ days: 20 });
export const ssoOff = ago({ days: 61 });
export const directoryOff = ago({ days: 60 });
export const abroad = ago({ minutes: 20 });
export const burst = [16, 15, 14, 13].map((minutes) => ago({ days: 6, minutes }));
export const burstEnd = ago({ days: 6, minutes: 8 });
export const maintenance = [5, 4, 3, 2, 1].map((minutes) => ago({ days: 5, minutes }));
export const failover = [ago({ days: 20 }), ago({ days: 8 })];
export const tokenLeak = ago({ days: 12 });
export const passwordLeaks = [ago({ days: 11 }), ago({ days: 10 })];
export const accessLeak = ago({ days: 9 });
export const namelessLeak = ago({ days: 7 });
export const roleGiven = ago({ days: 60 });
export const roleGivenAgain = ago({ days: 59 });
export const invited = ago({ days: 58 });
export const admitted = ago({ days: 57 });
export const migrationsOff = ago({ days: 21 });
export const addressesOpened = ago({ days: 20 });
export const foreignKeysOff = ago({ days: 19 });

const unnamed: Fields = { auditable_id: null, auditable_display_name: null };
const keyspaces = ['a', 'b', 'c', 'd'].map((name) => on(`keyspace ${name}`));
const admin = { metadata: { role: 'admin' } };

/** One sign-in from each address, so many days ago. */
const travels = (id: string, daysAgo: readonly (readonly [days: number, remote_ip: string | undefined])[]): Fields[] =>
  daysAgo.map(([days, ip = '']) => did(who(id, `${id}@example.com`, ip), 'user.signed_in', ago({ days })));

/** The events that each query must find, and events just outside each of its limits, which it must not find. */
export const events: readonly Fields[] = [
  did(ada, 'branch.deleted', branchGone, on('main')),
  did(bob, 'database.requested_deletion', databaseDeletionRequested, on('cats', 'acme')),
  did(bob, 'database.deleted', databaseGone, on('cats', 'acme')),
  did(robot, 'database_branch_password.deleted', passwordGone, on('production')),
  did(bob, 'database_branch.deleted', oldBranchGone, on('old')),
  did(bob, 'postgres_role.deleted', roleGone, on('reader')),
  did(bob, 'database_branch.deleted', ago({ days: 31 }), on('too long ago')),

  did(ada, 'service_token.created', tokenMade, on('ci', 'acme')),
  did(bob, 'service_token.updated_bulk_database_access', accessGiven, on('ci', 'acme')),
  did(bob, 'service_token.granted_access', oldAccessGiven, on('ci', 'acme')),
  did(bob, 'service_token.created', ago({ days: 31 }), on('too long ago')),

  did(ada, 'organization.disabled_sso', ssoOff),
  did(ada, 'organization.disabled_sso_directory', directoryOff),
  did(ada, 'organization.enabled_sso', ago({ days: 58 })),
  did(ada, 'organization.disabled_sso', ago({ days: 91 })),

  did(adaAbroad, 'user.signed_in', abroad),
  did(adaAbroad, 'database_branch.created', ago({ minutes: 10 })),
  ...travels('new again', [
    [30, unitedStates],
    [120, netherlands],
    [0.2, netherlands],
  ]),
  ...travels('barely old', [
    [60, unitedStates],
    [0.1, netherlands],
  ]),
  ...travels('barely known', [
    [1.5, unitedStates],
    [0.05, netherlands],
  ]),
  ...travels('not new', [
    [60, netherlands],
    [30, unitedStates],
    [0.1, netherlands],
  ]),
  ...travels('not today', [
    [30, unitedStates],
    [1.5, netherlands],
  ]),
  ...travels('without a past', [[0.1, netherlands]]),
  ...travels('with a past too long ago', [
    [120, unitedStates],
    [0.1, netherlands],
  ]),
  did({ ...planetScale, remote_ip: unitedStates }, 'user.signed_in', ago({ days: 25 })),
  did({ ...planetScale, remote_ip: netherlands }, 'user.signed_in', ago({ days: 0.1 })),

  // Two of these objects have no id.
  ...burst.map((date, index) => did(robot, 'backup_policy.deleted', date, index < 2 ? unnamed : on(`weekly ${index}`))),
  // An object of another kind with an id from above. Its deletion is requested twice.
  ...[ago({ days: 6, minutes: 10 }), burstEnd].map((date) =>
    did(robot, 'database_branch_keyspace.requested_deletion', date, on('weekly 3')),
  ),
  ...maintenance.map((date, index) =>
    did(planetScale, 'branch_maintenance_window.deleted', date, on(`window ${index}`)),
  ),
  // Five deletions within a quarter of an hour, but only three within ten minutes.
  ...[0, 3.5, 7, 10.5, 14].map((minutes) =>
    did(bob, 'database_webhook.deleted', ago({ days: 5, minutes }), on(`webhook ${minutes}`)),
  ),
  // Four objects within ten minutes, each with a requested deletion before the deletion.
  ...keyspaces.flatMap((keyspace, minutes) => [
    did(ada, 'database_branch_keyspace.requested_deletion', ago({ days: 5, minutes: minutes + 4 }), keyspace),
    did(ada, 'database_branch_keyspace.deleted', ago({ days: 5, minutes }), keyspace),
  ]),
  ...[1, 2, 3, 4, 5].map((minutes) =>
    did(who('gone', 'Long Gone', unitedStates), 'integration.deleted', ago({ days: 10, minutes }), on(`${minutes}`)),
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

  ...[
    'branch.created',
    'deploy_request.created',
    'deploy_request.closed',
    'deploy_request.deleted',
    'deploy_request.approved',
    'deploy_request.unqueued',
    'organization.updated_role',
  ].map((name) => did(ada, name, ago({ days: 18 }))),

  did(ada, 'organization.updated_role', roleGiven, { ...on('Bob Example'), metadata: { from: 'member', to: 'Admin' } }),
  // JSON that ClickHouse cannot read.
  did(ada, 'organization_membership.updated_role', roleGivenAgain, {
    ...on('Bob Example'),
    metadata: { count: 2 ** 65, role: { is: 'admin' } },
  }),
  did(ada, 'organization_invitation.created', invited, { ...on('eve@example.com'), ...admin }),
  did(ada, 'organization_membership.created', admitted, { ...on('Eve Example'), ...admin }),
  did(ada, 'organization_membership.created', ago({ days: 14 }), { metadata: { role: 'analyst' } }),
  did(ada, 'organization_membership.updated_role', ago({ days: 91 }), admin),

  did(bob, 'database_branch.disabled_safe_migrations', migrationsOff, on('main')),
  did(bob, 'database_branch_password.updated_ip_restrictions', addressesOpened, {
    ...on('production'),
    metadata: { cidrs: ['0.0.0.0/0'] },
  }),
  did(bob, 'database_branch.disabled_foreign_keys', foreignKeysOff, on('main')),
  did(bob, 'database_branch.enabled_safe_migrations', ago({ days: 18 }), on('main')),
  did(bob, 'database_branch.disabled_safe_migrations', ago({ days: 31 }), on('main')),
];
