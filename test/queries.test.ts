import { readFileSync } from 'node:fs';
import {
  type AuditEvent,
  knownAuditActions,
  PlanetScaleAuditClient,
  planetscaleLogsTable,
  type RunRevealContext,
} from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClickHouse } from './support/clickhouse.ts';
import { collect, credentials } from './support/served.ts';

/** The queries as they stand in docs/queries.md, by title. */
const queries = new Map<string, string>();
const markdown = readFileSync(new URL('../docs/queries.md', import.meta.url), 'utf8');
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
const databaseGone = ago({ days: 2 });
const passwordGone = ago({ minutes: 30 });
const tokenMade = ago({ days: 5 });
const accessGiven = ago({ days: 4 });
const ssoOff = ago({ days: 40 });
const directoryOff = ago({ days: 39 });
const abroad = ago({ minutes: 20 });
const burst = [14, 13, 12, 11, 6].map((minutes) => ago({ days: 6, minutes }));
const failover = [ago({ days: 9 }), ago({ days: 8 })];
const tokenLeak = ago({ days: 12 });
const passwordLeak = ago({ days: 11 });
const roleGiven = ago({ days: 15 });
const migrationsOff = ago({ days: 21 });
const addressesOpened = ago({ days: 20 });

const events: readonly Fields[] = [
  did(ada, 'branch.deleted', branchGone, on('main')),
  did(bob, 'database.requested_deletion', databaseGone, on('cats', 'acme')),
  did(robot, 'database_branch_password.deleted', passwordGone, on('production')),
  did(bob, 'database_branch.deleted', ago({ days: 31 }), on('too long ago')),

  did(ada, 'service_token.created', tokenMade, on('ci', 'acme')),
  did(bob, 'service_token.updated_bulk_database_access', accessGiven, on('ci', 'acme')),

  did(ada, 'organization.disabled_sso', ssoOff),
  did(ada, 'organization.disabled_sso_directory', directoryOff),
  did(ada, 'organization.enabled_sso', ago({ days: 38 })),

  did(adaAbroad, 'user.signed_in', abroad),
  did(adaAbroad, 'database_branch.created', ago({ minutes: 10 })),
  // New to us, with no past to compare with.
  did(who('eve', 'Eve Example', '198.51.100.9'), 'user.signed_in', ago({ minutes: 5 })),

  ...burst.map((date) => did(robot, 'backup_policy.deleted', date, on('weekly'))),
  // As many within the hour, but never five within ten minutes.
  ...[0, 12, 24, 36, 48].map((minutes) => did(bob, 'database_webhook.deleted', ago({ days: 5, minutes }))),

  ...failover.map((date) => did(planetScale, 'regional_failover_event.created', date)),
  did(planetScale, 'service_token.token_leaked', tokenLeak, on('old-ci', 'acme')),
  did(planetScale, 'database_branch_password.password_leaked', passwordLeak, on('staging')),
  did(ada, 'service_token.deleted', ago({ days: 10 }), on('old-ci', 'acme')),

  did(ada, 'organization.updated_role', roleGiven, { ...on('Bob Example'), metadata: { from: 'member', to: 'Admin' } }),
  did(ada, 'organization_membership.updated_role', ago({ days: 14 }), { metadata: { from: 'member', to: 'analyst' } }),

  did(bob, 'database_branch.disabled_safe_migrations', migrationsOff, on('main')),
  did(bob, 'database_branch_password.updated_ip_restrictions', addressesOpened, {
    ...on('production'),
    metadata: { cidrs: ['0.0.0.0/0'] },
  }),
  did(bob, 'database_branch.enabled_safe_migrations', ago({ days: 19 }), on('main')),
];

const lookupIp: RunRevealContext['lookupIp'] = (ip) => ({ asCountryCode: ip.startsWith('203.0.113.') ? 'US' : 'NL' });

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

beforeAll(async () => {
  const fake = fakePlanetScale({ ...credentials, events });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
  const delivered = await collect(client.events());
  clickHouse.query(planetscaleLogsTable());
  // All of it twice, as after a crash between an insert and its commit.
  for (const receivedAt of [new Date(now), new Date(now + 60_000)]) {
    await clickHouse.insert('runreveal.planetscale_logs', delivered, {
      sourceID: 'planetscale-acme',
      receivedAt,
      lookupIp,
    });
  }
});

const answers: Record<string, readonly Record<string, unknown>[]> = {
  'Who deleted a branch, a password or a database': [
    {
      eventTime: at(passwordGone),
      eventName: 'database_branch_password.deleted',
      deleted: 'production',
      belongsTo: 'dogs',
      actorType: 'ServiceToken',
      who: 'deploy-bot',
      srcIP: '203.0.113.3',
    },
    {
      eventTime: at(databaseGone),
      eventName: 'database.requested_deletion',
      deleted: 'cats',
      belongsTo: 'acme',
      actorType: 'User',
      who: 'Bob Example',
      srcIP: '203.0.113.2',
    },
    {
      eventTime: at(branchGone),
      eventName: 'branch.deleted',
      deleted: 'main',
      belongsTo: 'dogs',
      actorType: 'User',
      who: 'ada@example.com',
      srcIP: '203.0.113.1',
    },
  ],
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
  ],
  'Single sign-on was switched off': [
    { eventTime: at(directoryOff), eventName: 'organization.disabled_sso_directory' },
    { eventTime: at(ssoOff), eventName: 'organization.disabled_sso' },
  ].map((row) => ({ ...row, who: 'ada@example.com', srcIP: '203.0.113.1', location: expect.any(String) })),
  'Actions from a country that is new for the actor': [
    {
      psActorId: 'ada',
      who: 'ada@example.com',
      country: 'NL',
      firstSeen: at(abroad),
      actions: ['database_branch.created', 'user.signed_in'],
    },
  ],
  'A burst of deletions': [
    { psActorId: 'robot', who: 'deploy-bot', deletions: 5, lastDeletion: at(burst.at(-1) ?? new Date(0)) },
  ],
  'What PlanetScale itself did': [
    {
      eventName: 'regional_failover_event.created',
      events: 2,
      first: at(failover[0] ?? new Date(0)),
      last: at(failover[1] ?? new Date(0)),
    },
    {
      eventName: 'database_branch_password.password_leaked',
      events: 1,
      first: at(passwordLeak),
      last: at(passwordLeak),
    },
    { eventName: 'service_token.token_leaked', events: 1, first: at(tokenLeak), last: at(tokenLeak) },
  ],
  'Leaked tokens and passwords, and whether they still work': [
    {
      leakedAt: at(passwordLeak),
      eventName: 'database_branch_password.password_leaked',
      credential: 'staging',
      isDeleted: 0,
    },
    { leakedAt: at(tokenLeak), eventName: 'service_token.token_leaked', credential: 'old-ci', isDeleted: 1 },
  ],
  'One action under both of its names': expect.arrayContaining([
    {
      action: 'organization_membership.updated_role',
      events: 2,
      spellings: ['organization.updated_role', 'organization_membership.updated_role'],
    },
    { action: 'database_branch.deleted', events: 1, spellings: ['branch.deleted'] },
    { action: 'backup_policy.deleted', events: 5, spellings: ['backup_policy.deleted'] },
  ]),
  'Who was made an administrator': [
    {
      eventTime: at(roleGiven),
      member: 'Bob Example',
      who: 'ada@example.com',
      metadata: '{"from":"member","to":"Admin"}',
    },
  ],
  'Safeguards that were taken away': [
    ...burst.toReversed().map((date) => ({
      eventTime: at(date),
      eventName: 'backup_policy.deleted',
      weakened: 'weekly',
      who: 'deploy-bot',
      metadata: '{}',
    })),
    {
      eventTime: at(addressesOpened),
      eventName: 'database_branch_password.updated_ip_restrictions',
      weakened: 'production',
      who: 'Bob Example',
      metadata: '{"cidrs":["0.0.0.0/0"]}',
    },
    {
      eventTime: at(migrationsOff),
      eventName: 'database_branch.disabled_safe_migrations',
      weakened: 'main',
      who: 'Bob Example',
      metadata: '{}',
    },
  ].map((row) => ({ ...row, belongsTo: 'dogs' })),
};

test('docs/queries.md has these ten queries', () => {
  expect([...queries.keys()]).toEqual(Object.keys(answers));
  expect(queries.size).toBe(10);
});

test.each([...queries])('%s', (title, sql) => {
  expect(clickHouse.rows(`${sql} SETTINGS output_format_json_quote_64bit_integers = 0`)).toEqual(answers[title]);
});

test.each([...queries])('%s: matches no name that is not known', (_, sql) => {
  const names = [...sql.matchAll(/'(\w+\.\w+)'/g)].map(([, name]) => name);
  expect(names.filter((name) => !knownAuditActions.some((known) => known === name))).toEqual([]);
});
