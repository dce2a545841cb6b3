import { readFileSync } from 'node:fs';
import {
  type AuditEvent,
  knownAuditActions,
  PlanetScaleAuditClient,
  planetscaleLogsDdl,
  type RunRevealContext,
} from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClickHouse } from '../support/clickhouse.ts';
import { collect, credentials } from '../support/served.ts';

/** The queries as they stand in docs/queries.md, by title. */
const queries = new Map<string, string>();
const markdown = readFileSync(new URL('../../docs/queries.md', import.meta.url), 'utf8');
for (const [, title = '', sql = ''] of markdown.matchAll(/^## (.+)\n(?:(?!^## )[\s\S])*?```sql\n([\s\S]*?)```/gm)) {
  queries.set(title, sql);
}

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

const now = Date.now();
const ago = ({ days = 0, minutes = 0 }: { days?: number; minutes?: number }) =>
  new Date(now - (days * 24 * 60 + minutes) * 60_000);
/** A time as ClickHouse gives it back. */
const at = (date: Date) => date.toISOString().slice(0, 19).replace('T', ' ');
const did = (actor: Fields, audit_action: string, date: Date, fields: Fields = {}): Fields => ({
  ...on('something'),
  metadata: {},
  ...actor,
  audit_action,
  created_at: date.toISOString(),
  ...fields,
});

const branchGone = ago({ days: 3 });
const databaseAsked = ago({ days: 2 });
const databaseGone = ago({ days: 1 });
const passwordGone = ago({ minutes: 30 });
const oldBranchGone = ago({ days: 19 });
const roleGone = ago({ days: 20 });
const tokenMade = ago({ days: 5 });
const accessGiven = ago({ days: 4 });
const oldAccessGiven = ago({ days: 20 });
const ssoOff = ago({ days: 61 });
const directoryOff = ago({ days: 60 });
const abroad = ago({ minutes: 20 });
const burst = [16, 15, 14, 13].map((minutes) => ago({ days: 6, minutes }));
const burstEnd = ago({ days: 6, minutes: 8 });
const maintenance = [5, 4, 3, 2, 1].map((minutes) => ago({ days: 5, minutes }));
const failover = [ago({ days: 20 }), ago({ days: 8 })];
const tokenLeak = ago({ days: 12 });
const passwordLeaks = [ago({ days: 11 }), ago({ days: 10 })];
const accessLeak = ago({ days: 9 });
const namelessLeak = ago({ days: 7 });
const roleGiven = ago({ days: 60 });
const roleGivenAgain = ago({ days: 59 });
const invited = ago({ days: 58 });
const admitted = ago({ days: 57 });
const migrationsOff = ago({ days: 21 });
const addressesOpened = ago({ days: 20 });
const foreignKeysOff = ago({ days: 19 });

const unnamed: Fields = { auditable_id: null, auditable_display_name: null };
const keyspaces = ['a', 'b', 'c', 'd'].map((name) => on(`keyspace ${name}`));
const admin = { metadata: { role: 'admin' } };

/** An event in each country, so many days ago. */
const travels = (id: string, daysAgo: readonly (readonly [days: number, remote_ip: string | undefined])[]): Fields[] =>
  daysAgo.map(([days, ip = '']) => did(who(id, `${id}@example.com`, ip), 'user.signed_in', ago({ days })));

/** What each query finds, and what it must not find: just outside each of its limits. */
const events: readonly Fields[] = [
  did(ada, 'branch.deleted', branchGone, on('main')),
  did(bob, 'database.requested_deletion', databaseAsked, on('cats', 'acme')),
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

  // Two of these things have no id.
  ...burst.map((date, index) => did(robot, 'backup_policy.deleted', date, index < 2 ? unnamed : on(`weekly ${index}`))),
  // Of another kind, and with the id of what is there already; asked for twice.
  ...[ago({ days: 6, minutes: 10 }), burstEnd].map((date) =>
    did(robot, 'database_branch_keyspace.requested_deletion', date, on('weekly 3')),
  ),
  ...maintenance.map((date, index) =>
    did(planetScale, 'branch_maintenance_window.deleted', date, on(`window ${index}`)),
  ),
  // As many within the quarter of an hour, but three within ten minutes.
  ...[0, 3.5, 7, 10.5, 14].map((minutes) =>
    did(bob, 'database_webhook.deleted', ago({ days: 5, minutes }), on(`webhook ${minutes}`)),
  ),
  // Four things within ten minutes, each asked to be deleted first.
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
  // Another kind of thing, with the same id.
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
  // JSON in which ClickHouse finds nothing.
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

const lookupIp: RunRevealContext['lookupIp'] = (ip) => ({ asCountryCode: ip.startsWith('203.0.113.') ? 'US' : 'NL' });

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

beforeAll(async () => {
  const fake = fakePlanetScale({ ...credentials, events });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
  const delivered = await collect(client.events());
  clickHouse.query(planetscaleLogsDdl());
  // All of it twice, as after a crash between an insert and its commit.
  for (const receivedAt of [new Date(now), new Date(now + 60_000)]) {
    await clickHouse.insert('runreveal.planetscale_logs', delivered, {
      sourceID: 'planetscale-acme',
      receivedAt,
      lookupIp,
    });
  }
});

const byAda = { actorType: 'User', who: 'ada@example.com', srcIP: '203.0.113.1' };
const byBob = { actorType: 'User', who: 'Bob Example', srcIP: '203.0.113.2' };
const byRobot = { actorType: 'ServiceToken', who: 'deploy-bot', srcIP: '203.0.113.3' };
const seenAbroad = (id: string, daysAgo: number) => ({
  psActorId: id,
  who: `${id}@example.com`,
  country: 'NL',
  firstSeen: at(ago({ days: daysAgo })),
  actions: ['user.signed_in'],
});
const byPlanetScale = (eventName: string, dates: readonly Date[]) => ({
  eventName,
  events: dates.length,
  first: at(dates[0] ?? new Date(0)),
  last: at(dates.at(-1) ?? new Date(0)),
});

const answers: Record<string, readonly Record<string, unknown>[]> = {
  'Who deleted a branch, a password or a database': [
    [passwordGone, 'database_branch_password.deleted', 'production', 'dogs', byRobot] as const,
    [databaseGone, 'database.deleted', 'cats', 'acme', byBob] as const,
    [databaseAsked, 'database.requested_deletion', 'cats', 'acme', byBob] as const,
    [branchGone, 'branch.deleted', 'main', 'dogs', byAda] as const,
    [oldBranchGone, 'database_branch.deleted', 'old', 'dogs', byBob] as const,
    [roleGone, 'postgres_role.deleted', 'reader', 'dogs', byBob] as const,
  ].map(([date, eventName, deleted, belongsTo, by]) => ({ eventTime: at(date), eventName, deleted, belongsTo, ...by })),
  'Which service tokens were created, and by whom': [
    {
      eventTime: at(accessGiven),
      eventName: 'service_token.updated_bulk_database_access',
      token: 'ci',
      who: 'Bob Example',
      email: '',
      srcIP: '203.0.113.2',
    },
    {
      eventTime: at(tokenMade),
      eventName: 'service_token.created',
      token: 'ci',
      who: 'ada@example.com',
      email: 'ada@example.com',
      srcIP: '203.0.113.1',
    },
    {
      eventTime: at(oldAccessGiven),
      eventName: 'service_token.granted_access',
      token: 'ci',
      who: 'Bob Example',
      email: '',
      srcIP: '203.0.113.2',
    },
  ],
  'Single sign-on was switched off': [
    { eventTime: at(directoryOff), eventName: 'organization.disabled_sso_directory' },
    { eventTime: at(ssoOff), eventName: 'organization.disabled_sso' },
  ].map((row) => ({ ...row, who: 'ada@example.com', srcIP: '203.0.113.1', location: expect.any(String) })),
  'Actions from a country that is new for the actor': [
    seenAbroad('new again', 0.2),
    seenAbroad('barely old', 0.1),
    seenAbroad('barely known', 0.05),
    {
      psActorId: 'ada',
      who: 'ada@example.com',
      country: 'NL',
      firstSeen: at(abroad),
      actions: ['database_branch.created', 'user.signed_in'],
    },
  ],
  'A burst of deletions': [{ psActorId: 'robot', who: 'deploy-bot', deletions: 5, lastDeletion: at(burstEnd) }],
  'What PlanetScale itself did': [
    byPlanetScale('branch_maintenance_window.deleted', maintenance),
    byPlanetScale('database_branch_password.password_leaked', passwordLeaks),
    byPlanetScale('regional_failover_event.created', failover),
    byPlanetScale('service_token.token_leaked', [tokenLeak, namelessLeak]),
    byPlanetScale('user.signed_in', [ago({ days: 25 }), ago({ days: 0.1 })]),
    byPlanetScale('access_token.token_leaked', [accessLeak]),
  ],
  'Leaked tokens and passwords, and whether they still work': [
    [namelessLeak, 'service_token.token_leaked', '', 0] as const,
    [passwordLeaks[1], 'database_branch_password.password_leaked', 'staging', 0] as const,
    [accessLeak, 'access_token.token_leaked', 'laptop', 1] as const,
    [passwordLeaks[0], 'database_branch_password.password_leaked', 'production', 1] as const,
    [tokenLeak, 'service_token.token_leaked', 'old-ci', 1] as const,
  ].map(([date = new Date(0), eventName, credential, isDeleted]) => ({
    leakedAt: at(date),
    eventName,
    credential,
    isDeleted,
  })),
  'One action under both of its names': expect.arrayContaining([
    { action: 'database_branch.created', events: 2, spellings: ['branch.created', 'database_branch.created'] },
    { action: 'database_branch.deleted', events: 2, spellings: ['branch.deleted', 'database_branch.deleted'] },
    { action: 'database_deploy_request.created', events: 1, spellings: ['deploy_request.created'] },
    { action: 'database_deploy_request.closed', events: 1, spellings: ['deploy_request.closed'] },
    { action: 'database_deploy_request.deleted', events: 1, spellings: ['deploy_request.deleted'] },
    { action: 'deploy_request_review.approved', events: 1, spellings: ['deploy_request.approved'] },
    { action: 'deployment.unqueued', events: 1, spellings: ['deploy_request.unqueued'] },
    { action: 'organization_membership.updated_role', events: 1, spellings: ['organization.updated_role'] },
    { action: 'backup_policy.deleted', events: 4, spellings: ['backup_policy.deleted'] },
  ]),
  'Who was made an administrator': [
    [admitted, 'organization_membership.created', 'Eve Example', '{"role":"admin"}'] as const,
    [invited, 'organization_invitation.created', 'eve@example.com', '{"role":"admin"}'] as const,
    [
      roleGivenAgain,
      'organization_membership.updated_role',
      'Bob Example',
      '{"count":36893488147419103000,"role":{"is":"admin"}}',
    ] as const,
    [roleGiven, 'organization.updated_role', 'Bob Example', '{"from":"member","to":"Admin"}'] as const,
  ].map(([date, eventName, member, metadata]) => ({
    eventTime: at(date),
    eventName,
    member,
    who: 'ada@example.com',
    metadata,
  })),
  'Safeguards that were taken away': [
    ...burst.toReversed().map((date, index) => ({
      eventTime: at(date),
      eventName: 'backup_policy.deleted',
      weakened: index < 2 ? `weekly ${3 - index}` : '',
      belongsTo: index < 2 ? 'dogs' : expect.any(String),
      who: 'deploy-bot',
      metadata: '{}',
    })),
    ...[
      [foreignKeysOff, 'database_branch.disabled_foreign_keys', 'main', '{}'] as const,
      [
        addressesOpened,
        'database_branch_password.updated_ip_restrictions',
        'production',
        '{"cidrs":["0.0.0.0/0"]}',
      ] as const,
      [migrationsOff, 'database_branch.disabled_safe_migrations', 'main', '{}'] as const,
    ].map(([date, eventName, weakened, metadata]) => ({
      eventTime: at(date),
      eventName,
      weakened,
      belongsTo: 'dogs',
      who: 'Bob Example',
      metadata,
    })),
  ],
};

const ask = (sql: string) => clickHouse.rows(`${sql} SETTINGS output_format_json_quote_64bit_integers = 0`);

test('docs/queries.md has these ten queries', () => {
  expect([...queries.keys()]).toEqual(Object.keys(answers));
  expect(queries.size).toBe(10);
});

test.each([...queries])('%s', (title, sql) => {
  expect(ask(sql)).toEqual(answers[title]);
});

test.each([...queries])('%s: every name in it and every limit counts', (_, sql) => {
  const answer = ask(sql);
  const changed = (place: RegExpExecArray, by: string) =>
    sql.slice(0, place.index) + by + sql.slice(place.index + place[0].length);
  const names = [...sql.matchAll(/'\w*\.\w+'/g)].map((name) => changed(name, "'no.such_action'"));
  const limits = [...sql.matchAll(/(?<=INTERVAL |BETWEEN |>= )\d+/g)].flatMap((limit) => [
    changed(limit, String(Math.floor(Number(limit[0]) / 2))),
    changed(limit, String(Number(limit[0]) * 2)),
  ]);
  expect(names.length + limits.length).toBeGreaterThan(0);
  for (const other of [...names, ...limits]) expect(ask(other), other).not.toEqual(answer);
});

test.each([...queries])('%s: matches no name that is not known', (_, sql) => {
  const names = [...sql.matchAll(/'(\w+\.\w+)'/g)].map(([, name]) => name);
  expect(names.filter((name) => !knownAuditActions.some((known) => known === name))).toEqual([]);
});
