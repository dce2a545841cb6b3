import { expect } from 'vitest';
import {
  abroad,
  accessGiven,
  accessLeak,
  addressesOpened,
  admitted,
  ago,
  at,
  branchGone,
  burst,
  burstEnd,
  databaseDeletionRequested,
  databaseGone,
  directoryOff,
  failover,
  foreignKeysOff,
  invited,
  maintenance,
  migrationsOff,
  namelessLeak,
  oldAccessGiven,
  oldBranchGone,
  passwordGone,
  passwordLeaks,
  roleGiven,
  roleGivenAgain,
  roleGone,
  ssoOff,
  tokenLeak,
  tokenMade,
} from './query-history.ts';

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

/** The answer to each query of docs/queries.md for the events of query-history.ts, by the title of the query. */
export const answers: Record<string, readonly Record<string, unknown>[]> = {
  'Who deleted a branch, a password or a database': [
    [passwordGone, 'database_branch_password.deleted', 'production', 'dogs', byRobot] as const,
    [databaseGone, 'database.deleted', 'cats', 'acme', byBob] as const,
    [databaseDeletionRequested, 'database.requested_deletion', 'cats', 'acme', byBob] as const,
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
