import { expect } from 'vitest';
import {
  accessLeak,
  admitted,
  at,
  failover,
  invited,
  maintenance,
  namelessLeak,
  passwordGone,
  passwordLeaks,
  roleGone,
  tokenLeak,
} from './query-history.ts';

const byBob = { actorType: 'User', who: 'Bob Example', srcIP: '203.0.113.2' };
const byRobot = { actorType: 'ServiceToken', who: 'deploy-bot', srcIP: '203.0.113.3' };
const byPlanetScale = (eventName: string, dates: readonly Date[]) => ({
  eventName,
  events: dates.length,
  first: at(dates[0] ?? new Date(0)),
  last: at(dates.at(-1) ?? new Date(0)),
});

/** The answer to each query of docs/queries.md for the events of query-history.ts, by the title of the query. */
export const answers: Record<string, readonly Record<string, unknown>[]> = {
  'Who deleted a password or a role': [
    [passwordGone, 'database_branch_password.deleted', 'production', byRobot] as const,
    [roleGone, 'postgres_role.deleted', 'reader', byBob] as const,
  ].map(([date, eventName, deleted, by]) => ({ eventTime: at(date), eventName, deleted, belongsTo: 'dogs', ...by })),
  'What PlanetScale itself did': [
    byPlanetScale('branch_maintenance_window.deleted', maintenance),
    byPlanetScale('database_branch_password.password_leaked', passwordLeaks),
    byPlanetScale('regional_failover_event.created', failover),
    byPlanetScale('service_token.token_leaked', [tokenLeak, namelessLeak]),
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
  'Who was invited or added as an administrator': [
    [admitted, 'organization_membership.created', 'Eve Example', '{"role":"admin"}'] as const,
    [
      invited,
      'organization_invitation.created',
      'eve@example.com',
      '{"count":36893488147419103000,"role":{"is":"Admin"}}',
    ] as const,
  ].map(([date, eventName, member, metadata]) => ({
    eventTime: at(date),
    eventName,
    member,
    who: 'ada@example.com',
    metadata,
  })),
};
