import type { AuditEvent, RunRevealContext } from 'planetscale-audit';
import { eventWith } from '../support/arbitrary-events.ts';

/** The window of the runs: a quarter of an hour from here. */
export const from = Date.parse('2026-11-20T12:00:00Z');
export const windowMs = 15 * 60_000;

/** An event of a case, and when the table received it. */
export interface Received {
  readonly event: AuditEvent;
  readonly receivedAt: Date;
  /** The source of the organization. @default 'planetscale-acme' */
  readonly sourceID?: string;
}

export interface DetectionCase {
  /** Events that the detection must find. Each action that the detection names is in one of them. */
  readonly found: readonly Received[];
  /** The columns of the answer, of a detection that does not return whole rows. */
  readonly answer?: readonly Record<string, unknown>[];
  /** Events in which the detection must find nothing. */
  readonly nearMisses: Readonly<Record<string, readonly Received[]>>;
}

type Fields = Readonly<Partial<AuditEvent>>;

const who = (actor_id: string, actor_display_name: string, remote_ip: string, actor_type = 'User'): Fields => ({
  actor_id,
  actor_type,
  actor_display_name,
  remote_ip,
});
const chicago = '203.0.113.1';
const newYork = '203.0.113.2';
const washington = '203.0.113.3';
const amsterdam = '203.0.113.50';
const unknownPlace = '203.0.113.99';

const places: Readonly<Record<string, ReturnType<NonNullable<RunRevealContext['lookupIp']>>>> = {
  [chicago]: { asCountryCode: 'US', city: 'Chicago', latitude: 41.88, longitude: -87.63, asNumber: 64500 },
  [newYork]: { asCountryCode: 'US', city: 'New York', latitude: 40.71, longitude: -74.01, asNumber: 64501 },
  [washington]: { asCountryCode: 'US', city: 'Washington', latitude: 38.9, longitude: -77.04, asNumber: 64500 },
  // Halfway between Chicago and New York.
  '203.0.113.4': { asCountryCode: 'US', city: 'Cleveland', latitude: 41.5, longitude: -81.69, asNumber: 64500 },
  [amsterdam]: { asCountryCode: 'NL', city: 'Amsterdam', latitude: 52.37, longitude: 4.89, asNumber: 64502 },
};
export const lookupIp: RunRevealContext['lookupIp'] = (ip) => places[ip];

const ada = who('d4hkujnkswjk', 'ada@example.com', chicago);
const bob = who('b0bkujnkswjk', 'Bob Example', newYork);
const robot = who('r0b0tjnkswjk', 'deploy-bot', washington, 'ServiceToken');
const planetScale: Fields = { actor_id: null, actor_type: null, actor_display_name: null, remote_ip: null };

/** Somebody whom an event names without an id. */
const nameOnly = (name: string): Fields => ({ actor_id: null, actor_type: 'User', actor_display_name: name });

/** An object of an action: what it is, its name, and the target that it belongs to. */
const on = (auditable_type: string, name: string, target = 'dogs'): Fields => ({
  auditable_type,
  auditable_id: `id-of-${name}`,
  auditable_display_name: name,
  target_type: 'Database',
  target_id: `id-of-${target}`,
  target_display_name: target,
});
/** The object is a member or token, by the actor that it is elsewhere. */
const onActor = ({ actor_id = null, actor_type = null, actor_display_name = null }: Fields): Fields => ({
  auditable_type: actor_type,
  auditable_id: actor_id,
  auditable_display_name: actor_display_name,
  target_type: 'Organization',
  target_id: 'id-of-acme',
  target_display_name: 'acme',
});
/** As `onActor`, but the actor is the target. */
const towardsActor = ({ actor_id = null, actor_type = null, actor_display_name = null }: Fields): Fields => ({
  ...on('Organization', 'acme'),
  target_type: actor_type,
  target_id: actor_id,
  target_display_name: actor_display_name,
});
/** The object or the target has the name of a member, and no id of a user. */
const onActorByName = (actor: Fields): Fields => onActor(nameOnly(actor.actor_display_name ?? ''));
const towardsActorByName = (actor: Fields): Fields => towardsActor(nameOnly(actor.actor_display_name ?? ''));
const onMembership = (actor: Fields): Fields => on('OrganizationMembership', actor.actor_display_name ?? '', 'acme');

const minutes = 60_000;
const hours = 60 * minutes;
const days = 24 * hours;

let count = 0;

/** An event at a time after `from`, received a second later. */
const at = (ms: number, actor: Fields, audit_action: string, fields: Fields = {}, receivedMs = ms + 1000): Received => {
  count += 1;
  const time = new Date(from + ms).toISOString();
  const [, action = null] = /\.(.*)$/.exec(audit_action) ?? [];
  return {
    event: eventWith({
      ...on('DatabaseBranch', 'main'),
      metadata: {},
      ...actor,
      ...fields,
      id: `case${String(count).padStart(8, '0')}`,
      audit_action,
      action,
      created_at: time,
      updated_at: time,
    }),
    receivedAt: new Date(from + receivedMs),
  };
};

/** Cases of a detection that matches actions alone. */
const actions = (...names: readonly [name: string, fields?: Fields, actor?: Fields][]): DetectionCase['found'] =>
  names.map(([name, fields, actor = ada], index) => at(index * minutes, actor, name, fields));
const miss = (name: string, fields: Fields = {}, actor: Fields = ada): readonly Received[] => [
  at(minutes, actor, name, fields),
];

/** The same events in another organization of the table. */
const elsewhere = (...received: readonly Received[]): readonly Received[] =>
  received.map((each) => ({ ...each, sourceID: 'planetscale-acme-dev' }));
/** The event, and its row that arrives again at a time after `from`. */
const twice = (received: Received, ms: number): readonly Received[] => [
  received,
  { ...received, receivedAt: new Date(from + ms) },
];

const token = onActor(robot);
/** The deletion of a webhook at a time after `from`. */
export const deletionAt = (ms: number, name: string, actor: Fields = robot): Received =>
  at(ms, actor, 'database_webhook.deleted', on('DatabaseWebhook', name));
const deletions = (amount: number, every: number, first = 0, actor = robot): readonly Received[] =>
  Array.from({ length: amount }, (_, index) => deletionAt(first + index * every, `hook ${index}`, actor));
const past = (actor: Fields, ms = -20 * days, fields: Fields = {}) => at(ms, actor, 'user.signed_in', fields);
const isOld = past(bob, -15 * days);

export const cases: Readonly<Record<string, DetectionCase>> = {
  'planetscale-credential-leaked': {
    found: actions(
      ['access_token.token_leaked', {}, planetScale],
      ['service_token.token_leaked', token, planetScale],
      ['database_branch_password.password_leaked', {}, planetScale],
    ),
    nearMisses: {
      'the deletion of a token': miss('service_token.deleted', token),
      'a new password': miss('database_branch_password.created'),
    },
  },
  'planetscale-leaked-service-token-used': {
    found: [
      at(-29 * days, planetScale, 'service_token.token_leaked', token),
      at(1 * minutes, robot, 'database_branch.created'),
      at(2 * minutes, { ...robot, remote_ip: amsterdam }, 'database_branch_password.created'),
      // A leak that the table receives after the token was used, and that has only the name of the token.
      at(-2 * hours, planetScale, 'service_token.token_leaked', onActor(nameOnly('ci')), 5 * minutes),
      at(-1 * hours, who('ci0000000000', 'ci', chicago, 'ServiceToken'), 'database.created'),
      // Leaks whose target is the token.
      at(-1 * hours, planetScale, 'service_token.token_leaked', towardsActor(who('t2', 'build', chicago))),
      at(3 * minutes, who('t2', 'build', chicago, 'ServiceToken'), 'database.created'),
      at(-1 * hours, planetScale, 'service_token.token_leaked', towardsActor(nameOnly('nightly'))),
      at(4 * minutes, who('t3', 'nightly', chicago, 'ServiceToken'), 'database.created'),
    ],
    answer: [
      {
        tokenId: 'ci0000000000',
        tokenName: 'ci',
        actions: ['database.created'],
        addresses: [chicago],
        events: 1,
        firstUse: '2026-11-20 11:00:00',
      },
      {
        tokenId: 'r0b0tjnkswjk',
        tokenName: 'deploy-bot',
        actions: ['database_branch.created', 'database_branch_password.created'],
        addresses: [washington, amsterdam],
        events: 2,
        leakedAt: '2026-10-22 12:00:00',
        lastUse: '2026-11-20 12:02:00',
      },
      { tokenId: 't2', tokenName: 'build' },
      { tokenId: 't3', tokenName: 'nightly' },
    ],
    nearMisses: {
      'the token of the same name that replaced the leaked one': [
        at(-1 * days, planetScale, 'service_token.token_leaked', onActor(who('old', 'ci', chicago, 'ServiceToken'))),
        at(1 * minutes, who('new', 'ci', chicago, 'ServiceToken'), 'database_branch.created'),
      ],
      'the token of the same name that replaced the leaked target': [
        at(-1 * days, planetScale, 'service_token.token_leaked', towardsActor(who('old', 'ci', chicago))),
        at(1 * minutes, who('new', 'ci', chicago, 'ServiceToken'), 'database_branch.created'),
      ],
      'a token of another organization': [
        ...elsewhere(at(-1 * days, planetScale, 'service_token.token_leaked', token)),
        at(1 * minutes, robot, 'database_branch.created'),
      ],
      'a use before the leak': [
        at(1 * minutes, robot, 'database_branch.created'),
        at(2 * minutes, planetScale, 'service_token.token_leaked', token),
      ],
      'another token': [
        at(-1 * days, planetScale, 'service_token.token_leaked', on('ServiceToken', 'old-ci')),
        at(1 * minutes, robot, 'database_branch.created'),
      ],
      'tokens without id and name': [
        at(-1 * days, planetScale, 'service_token.token_leaked', { auditable_id: null, auditable_display_name: null }),
        at(1 * minutes, { ...planetScale, actor_type: 'ServiceToken' }, 'database_branch.created'),
      ],
      'a user with the name of the token': [
        at(-1 * days, planetScale, 'service_token.token_leaked', token),
        at(1 * minutes, who('0ther0000000', 'deploy-bot', chicago), 'database_branch.created'),
      ],
      'a leak that is too long ago': [
        at(-31 * days, planetScale, 'service_token.token_leaked', token),
        at(1 * minutes, robot, 'database_branch.created'),
      ],
    },
  },
  'planetscale-sso-disabled': {
    found: actions(['organization.disabled_sso'], ['organization.disabled_sso_directory']),
    nearMisses: { 'SSO switched on': miss('organization.enabled_sso'), 'a sign-in': miss('user.signed_in') },
  },
  'planetscale-service-token-created': {
    found: actions(['service_token.created', token], ['service_token.created', token, robot]),
    nearMisses: {
      'a deleted token': miss('service_token.deleted', token),
      'a token of a user': miss('access_token.created'),
    },
  },
  'planetscale-service-token-access-changed': {
    found: actions(['service_token.granted_access', token], ['service_token.updated_bulk_database_access', token]),
    nearMisses: {
      'a new token': miss('service_token.created', token),
      'a new member of a database': miss('database.added_member'),
    },
  },
  'planetscale-service-token-made-by-service-token': {
    found: actions(
      ['service_token.created', on('ServiceToken', 'second'), robot],
      ['service_token.granted_access', token, robot],
      ['service_token.updated_bulk_database_access', token, robot],
    ),
    nearMisses: {
      'a token that a user creates': miss('service_token.created', token),
      'a branch that a token creates': miss('database_branch.created', {}, robot),
    },
  },
  'planetscale-member-role-changed': {
    found: actions(['organization.updated_role', onActor(bob)], ['organization_membership.updated_role', onActor(bob)]),
    nearMisses: {
      'a new member': miss('organization_membership.created', onActor(bob)),
      'a role of a database': miss('postgres_role.created'),
    },
  },
  'planetscale-member-or-invitation-created': {
    found: actions(
      ['organization.added_member', onActor(bob)],
      ['organization_invitation.created', on('OrganizationInvitation', 'bob@example.com')],
      ['organization_membership.created', onActor(bob)],
    ),
    nearMisses: {
      'a deleted invitation': miss('organization_invitation.deleted'),
      'a new member of a team': miss('organization_team.added_member', onActor(bob)),
      'a member who accepts': miss('organization.joined'),
    },
  },
  'planetscale-database-deleted': {
    found: actions(
      ['database.deleted', on('Database', 'dogs', 'acme')],
      ['database.requested_deletion', on('Database', 'dogs', 'acme')],
    ),
    nearMisses: { 'a branch': miss('database_branch.deleted'), 'a new database': miss('database.created') },
  },
  'planetscale-main-branch-deleted': {
    found: actions(
      ['branch.deleted', on('Branch', 'main')],
      ['database_branch.deleted', on('DatabaseBranch', 'Production')],
      ['database_branch.deleted', on('DatabaseBranch', 'prod')],
      ['database_branch.deleted', on('DatabaseBranch', 'MASTER')],
    ),
    nearMisses: {
      'another branch': miss('database_branch.deleted', on('DatabaseBranch', 'maintenance')),
      'a branch of a database named main': miss('database_branch.deleted', on('DatabaseBranch', 'fix', 'main')),
      'a new branch': miss('database_branch.created', on('DatabaseBranch', 'main')),
    },
  },
  'planetscale-branch-deleted': {
    found: actions(
      ['branch.deleted'],
      ['database_branch.deleted'],
      ['database_branch_keyspace.deleted'],
      ['database_branch_keyspace.requested_deletion'],
    ),
    nearMisses: {
      'a new branch': miss('database_branch.created'),
      'a region': miss('database_branch_read_only_region.deleted'),
    },
  },
  'planetscale-backup-policy-deleted': {
    found: actions(['backup_policy.deleted', on('BackupPolicy', 'weekly')]),
    nearMisses: {
      'a new policy': miss('backup_policy.created'),
      'a maintenance window': miss('branch_maintenance_window.deleted'),
    },
  },
  'planetscale-deletion-burst': {
    found: [
      // Exactly ten objects within exactly ten minutes, of which the first were received before the window.
      ...deletions(8, 60_000, -2 * minutes),
      at(7 * minutes, robot, 'database_branch.deleted', on('DatabaseBranch', 'fix')),
      at(8 * minutes, robot, 'database.requested_deletion', on('Database', 'dogs')),
      // The last deletion arrives almost a day late.
      ...deletions(9, 60_000, -24 * hours - 5 * minutes, bob),
      at(-24 * hours + 5 * minutes, bob, 'database_branch.deleted', on('DatabaseBranch', 'fix'), 1 * minutes),
    ],
    answer: [
      {
        actorType: 'ServiceToken',
        actorId: 'r0b0tjnkswjk',
        actorName: 'deploy-bot',
        deletedObjects: 10,
        firstDeletion: '2026-11-20 11:58:00',
        lastDeletion: '2026-11-20 12:08:00',
        actions: ['database.requested_deletion', 'database_branch.deleted', 'database_webhook.deleted'],
        addresses: [washington],
      },
      {
        actorId: 'b0bkujnkswjk',
        deletedObjects: 10,
        firstDeletion: '2026-11-19 11:55:00',
        lastDeletion: '2026-11-19 12:05:00',
      },
    ],
    nearMisses: {
      'nine objects': deletions(9, 1000),
      'ten objects in more than ten minutes': deletions(10, 67_000),
      'ten objects that two actors deleted': deletions(10, 1000).map(({ event, receivedAt }, index) => ({
        event: index < 5 ? event : eventWith({ ...event, ...bob }),
        receivedAt,
      })),
      'objects whose deletion was requested before': [0, 1, 2, 3, 4, 5].flatMap((index) =>
        ['database_branch_keyspace.requested_deletion', 'database_branch_keyspace.deleted'].map((action) =>
          at(index * 1000, robot, action, on('Keyspace', `keyspace ${index}`)),
        ),
      ),
      'what PlanetScale deletes': deletions(12, 1000).map(({ event, receivedAt }) => ({
        event: eventWith({ ...event, ...planetScale }),
        receivedAt,
      })),
      'a burst of an earlier window': deletions(12, 1000, -10 * minutes),
      'ten objects of two organizations': [
        ...deletions(5, 1000),
        ...elsewhere(...[5, 6, 7, 8, 9].map((index) => deletionAt(index * 1000, `hook ${index}`))),
      ],
    },
  },
  'planetscale-deletion-then-actor-removed': {
    found: [
      ...(
        [
          ['database.deleted', 'user.deleted', onActor],
          ['database.requested_deletion', 'service_token.deleted', towardsActor],
          ['database_branch_keyspace.deleted', 'organization.removed_member', towardsActor],
          ['database_branch_keyspace.requested_deletion', 'organization.removed_member', onActor],
          // The removal has the name alone.
          ['database.deleted', 'organization.removed_member', onActorByName],
          ['database.deleted', 'organization.removed_member', towardsActorByName],
          ['database.deleted', 'organization.removed_member', onMembership],
        ] as const
      ).flatMap(([deletion, removal, objectOf], index) => {
        const actor = who(`gone${index}`, `Gone ${index}`, chicago);
        return [
          at(-6 * days, actor, deletion, on('Database', `dogs ${index}`)),
          at(index, bob, removal, objectOf(actor)),
        ];
      }),
      at(1 * minutes, ada, 'database.deleted', on('Database', 'cats')),
      at(2 * minutes, ada, 'organization.left', on('Organization', 'acme')),
      at(1 * minutes, who('gone7', 'Gone 7', chicago), 'database.deleted', on('Database', 'birds')),
      at(2 * minutes, nameOnly('Gone 7'), 'organization.left', on('Organization', 'acme')),
      // A removal that arrives almost a day late, almost a week after the deletion.
      at(-7 * days - 20 * hours, who('gone8', 'Gone 8', chicago), 'database.deleted', on('Database', 'fish')),
      at(-23 * hours, ada, 'user.deleted', onActor(who('gone8', 'Gone 8', chicago)), 1 * minutes),
    ],
    answer: [
      {
        actorId: 'd4hkujnkswjk',
        removal: 'organization.left',
        removedBy: 'ada@example.com',
        deleted: [['2026-11-20 12:01:00', 'database.deleted', 'cats']],
      },
      ...['user.deleted', 'service_token.deleted', 'organization.removed_member'].map((removal, index) => ({
        actorId: `gone${index}`,
        actorName: `Gone ${index}`,
        removal,
        removedBy: 'Bob Example',
        removedAt: '2026-11-20 12:00:00',
        srcIP: newYork,
      })),
      ...['gone3', 'gone4', 'gone5', 'gone6'].map((actorId) => ({ actorId, removal: 'organization.removed_member' })),
      { actorId: 'gone7', removal: 'organization.left' },
      { actorId: 'gone8', removal: 'user.deleted' },
    ],
    nearMisses: {
      'another token of the same name that is deleted': [
        at(1 * minutes, who('new', 'ci', chicago, 'ServiceToken'), 'database.deleted', on('Database', 'dogs')),
        at(2 * minutes, bob, 'service_token.deleted', onActor(who('old', 'ci', chicago, 'ServiceToken'))),
      ],
      'another target of the same name that is deleted': [
        at(1 * minutes, who('new', 'ci', chicago, 'ServiceToken'), 'database.deleted', on('Database', 'dogs')),
        at(2 * minutes, bob, 'service_token.deleted', towardsActor(who('old', 'ci', chicago, 'ServiceToken'))),
      ],
      'another member of the same name who leaves': [
        at(1 * minutes, bob, 'database.deleted', on('Database', 'dogs')),
        at(2 * minutes, who('b2', 'Bob Example', chicago), 'organization.left', on('Organization', 'acme')),
      ],
      'a removal from another organization': [
        at(1 * minutes, bob, 'database.deleted', on('Database', 'dogs')),
        ...elsewhere(at(2 * minutes, ada, 'organization.removed_member', onActor(bob))),
      ],
      'a removal before the deletion': [
        at(1 * minutes, ada, 'organization.removed_member', onActor(bob)),
        at(2 * minutes, bob, 'database.deleted', on('Database', 'dogs')),
      ],
      'somebody else who is removed': [
        at(1 * minutes, bob, 'database.deleted', on('Database', 'dogs')),
        at(2 * minutes, bob, 'organization.removed_member', onActor(ada)),
      ],
      'a deletion that is too long before': [
        at(-8 * days, bob, 'database.deleted', on('Database', 'dogs')),
        at(2 * minutes, ada, 'organization.removed_member', onActor(bob)),
      ],
      'actors and members without id and name': [
        at(1 * minutes, planetScale, 'database.deleted', on('Database', 'dogs')),
        at(2 * minutes, ada, 'organization.removed_member', onActor(planetScale)),
      ],
      'a branch': [
        at(1 * minutes, bob, 'database_branch.deleted', on('DatabaseBranch', 'fix')),
        at(2 * minutes, ada, 'organization.removed_member', onActor(bob)),
      ],
    },
  },
  'planetscale-safe-migrations-disabled': {
    found: actions(['database_branch.disabled_safe_migrations']),
    nearMisses: {
      'safe migrations switched on': miss('database_branch.enabled_safe_migrations'),
      'foreign keys': miss('database_branch.disabled_foreign_keys'),
    },
  },
  'planetscale-foreign-keys-disabled': {
    found: actions(['database_branch.disabled_foreign_keys']),
    nearMisses: {
      'foreign keys switched on': miss('database_branch.enabled_foreign_keys'),
      'safe migrations': miss('database_branch.disabled_safe_migrations'),
    },
  },
  'planetscale-password-ip-restrictions-changed': {
    found: actions([
      'database_branch_password.updated_ip_restrictions',
      { ...on('DatabaseBranchPassword', 'production'), metadata: { cidrs: ['0.0.0.0/0'] } },
    ]),
    nearMisses: {
      'a new password': miss('database_branch_password.created'),
      'a deleted password': miss('database_branch_password.deleted'),
    },
  },
  'planetscale-actor-new-country': {
    found: [
      past(ada, -89 * days),
      at(1 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in'),
      at(2 * minutes, { ...ada, remote_ip: amsterdam }, 'database_branch.created'),
      // The same id of another type, or in another organization, has been there before.
      past({ ...ada, actor_type: 'ServiceToken', remote_ip: amsterdam }),
      ...elsewhere(past({ ...ada, remote_ip: amsterdam })),
      // An event that arrives almost a day late.
      past(bob),
      at(-23 * hours, { ...bob, remote_ip: amsterdam }, 'user.signed_in', {}, 1 * minutes),
      // A past that arrives in the window, and one that is short.
      at(-2 * days, who('u3', 'Third', chicago), 'user.signed_in', {}, 1 * minutes),
      at(2 * minutes, who('u3', 'Third', amsterdam), 'user.signed_in'),
      past(who('u4', 'Fourth', chicago), -2 * hours),
      at(2 * minutes, who('u4', 'Fourth', amsterdam), 'user.signed_in'),
    ],
    answer: [
      { actorId: 'b0bkujnkswjk', country: 'NL', firstSeen: '2026-11-19 13:00:00' },
      {
        actorType: 'User',
        actorId: 'd4hkujnkswjk',
        country: 'NL',
        actorName: 'ada@example.com',
        firstSeen: '2026-11-20 12:01:00',
        actions: ['database_branch.created', 'user.signed_in'],
        addresses: [amsterdam],
        events: 2,
      },
      { actorId: 'u3', country: 'NL' },
      { actorId: 'u4', country: 'NL' },
    ],
    nearMisses: {
      'an actor whose past is in another organization': [
        ...elsewhere(past(ada)),
        at(1 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in'),
      ],
      'an actor whose past is a late event of the last day': [
        at(-23 * hours, ada, 'user.signed_in', {}, 1 * minutes),
        at(2 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in'),
      ],
      'an event that is older than the rule looks back': [
        past(ada),
        at(-91 * days, { ...ada, remote_ip: amsterdam }, 'user.signed_in', {}, 1 * minutes),
      ],
      'a country that became known days ago, if the row arrives again': [
        past(ada),
        ...twice(past({ ...ada, remote_ip: amsterdam }, -25 * hours), 1 * minutes),
      ],
      'a country that is known, if the past arrives in the window': [
        past(ada),
        at(-25 * hours, { ...ada, remote_ip: amsterdam }, 'user.signed_in', {}, 1 * minutes),
        at(2 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in'),
      ],
      'an actor without a past': [at(1 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in')],
      'an actor whose past is too long ago': [
        past(ada, -91 * days),
        at(1 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in'),
      ],
      'a country that is known': [
        past(ada),
        past({ ...ada, remote_ip: amsterdam }, -89 * days),
        at(1 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in'),
      ],
      'another city of the country': [past(ada), at(1 * minutes, { ...ada, remote_ip: newYork }, 'user.signed_in')],
      'an address without a country': [
        past(ada),
        at(1 * minutes, { ...ada, remote_ip: unknownPlace }, 'user.signed_in'),
      ],
      'a past without a country': [
        past({ ...ada, remote_ip: unknownPlace }),
        at(1 * minutes, { ...ada, remote_ip: amsterdam }, 'user.signed_in'),
      ],
      'events without an actor': [
        past({ ...planetScale, remote_ip: chicago }),
        at(1 * minutes, { ...planetScale, remote_ip: amsterdam }, 'user.signed_in'),
      ],
    },
  },
  'planetscale-service-token-new-network': {
    found: [
      past(robot, -89 * days),
      at(1 * minutes, { ...robot, remote_ip: newYork }, 'database_branch.created'),
      past({ ...robot, actor_type: 'User', remote_ip: newYork }),
      ...elsewhere(past({ ...robot, remote_ip: newYork })),
      // An event that arrives almost a day late.
      past(who('t2', 'build', chicago, 'ServiceToken')),
      at(-23 * hours, who('t2', 'build', amsterdam, 'ServiceToken'), 'database.created', {}, 1 * minutes),
      // A past that arrives in the window, and one that is short.
      at(-2 * days, who('t3', 'nightly', chicago, 'ServiceToken'), 'database.created', {}, 1 * minutes),
      at(2 * minutes, who('t3', 'nightly', amsterdam, 'ServiceToken'), 'database.created'),
      past(who('t4', 'weekly', chicago, 'ServiceToken'), -2 * hours),
      at(2 * minutes, who('t4', 'weekly', amsterdam, 'ServiceToken'), 'database.created'),
    ],
    answer: [
      {
        actorId: 'r0b0tjnkswjk',
        network: 64501,
        actorName: 'deploy-bot',
        actions: ['database_branch.created'],
        addresses: [newYork],
        events: 1,
      },
      { actorId: 't2', network: 64502, firstSeen: '2026-11-19 13:00:00' },
      { actorId: 't3', network: 64502 },
      { actorId: 't4', network: 64502 },
    ],
    nearMisses: {
      'a token whose past is in another organization': [
        ...elsewhere(past(robot)),
        at(1 * minutes, { ...robot, remote_ip: newYork }, 'database_branch.created'),
      ],
      'a token whose past is a late event of the last day': [
        at(-23 * hours, robot, 'database.created', {}, 1 * minutes),
        at(2 * minutes, { ...robot, remote_ip: amsterdam }, 'database.created'),
      ],
      'an event that is older than the rule looks back': [
        past(robot),
        at(-91 * days, { ...robot, remote_ip: amsterdam }, 'database.created', {}, 1 * minutes),
      ],
      'a network that became known days ago, if the row arrives again': [
        past(robot),
        ...twice(past({ ...robot, remote_ip: newYork }, -25 * hours), 1 * minutes),
      ],
      'a network that is known, if the past arrives in the window': [
        past(robot),
        at(-25 * hours, { ...robot, remote_ip: newYork }, 'database.created', {}, 1 * minutes),
        at(2 * minutes, { ...robot, remote_ip: newYork }, 'database.created'),
      ],
      'another address of the network': [
        past(robot),
        at(1 * minutes, { ...robot, remote_ip: chicago }, 'database_branch.created'),
      ],
      'a person': [past(ada), at(1 * minutes, { ...ada, remote_ip: newYork }, 'database_branch.created')],
      'a token without a past': [at(1 * minutes, { ...robot, remote_ip: newYork }, 'database_branch.created')],
      'a token whose past is too long ago': [
        past(robot, -91 * days),
        at(1 * minutes, { ...robot, remote_ip: newYork }, 'database_branch.created'),
      ],
      'a network that is known': [
        past(robot),
        past({ ...robot, remote_ip: newYork }, -89 * days),
        at(1 * minutes, { ...robot, remote_ip: newYork }, 'database_branch.created'),
      ],
      'an address without a network': [
        past(robot),
        at(1 * minutes, { ...robot, remote_ip: unknownPlace }, 'database_branch.created'),
      ],
      'a past without a network': [
        past({ ...robot, remote_ip: unknownPlace }),
        at(1 * minutes, { ...robot, remote_ip: newYork }, 'database_branch.created'),
      ],
    },
  },
  'planetscale-removed-member-acts': {
    found: [
      at(-29 * days, ada, 'organization.removed_member', onActor(bob)),
      at(1 * minutes, bob, 'database_branch.created'),
      at(-2 * days, ada, 'user.deleted', towardsActor(who('u2', 'Second', chicago))),
      at(2 * minutes, who('u2', 'Second', chicago), 'user.signed_in'),
      at(-2 * days, who('u3', 'Third', chicago), 'organization.left', on('Organization', 'acme')),
      at(3 * minutes, who('u3', 'Third', chicago), 'database.created'),
      // Removed, added and removed again.
      at(-6 * days, ada, 'organization.removed_member', onActor(who('u4', 'Fourth', chicago))),
      at(-5 * days, ada, 'organization.added_member', onActor(who('u4', 'Fourth', chicago))),
      at(-4 * days, ada, 'organization.removed_member', onActor(who('u4', 'Fourth', chicago))),
      at(4 * minutes, who('u4', 'Fourth', chicago), 'database.created'),
      // A minute after the removal, which has the name alone.
      at(4 * minutes, ada, 'organization.removed_member', onActorByName(who('u5', 'Fifth', chicago))),
      at(5 * minutes, who('u5', 'Fifth', chicago), 'database.created'),
      at(4 * minutes, ada, 'organization.removed_member', onMembership(who('u6', 'Sixth', chicago))),
      at(5 * minutes, who('u6', 'Sixth', chicago), 'database.created'),
      // Added to another organization only.
      at(-2 * days, ada, 'organization.removed_member', onActor(who('u7', 'Seventh', chicago))),
      ...elsewhere(at(-1 * days, ada, 'organization.added_member', onActor(who('u7', 'Seventh', chicago)))),
      at(5 * minutes, who('u7', 'Seventh', chicago), 'database.created'),
      at(4 * minutes, ada, 'organization.removed_member', towardsActorByName(who('u8', 'Eighth', chicago))),
      at(5 * minutes, who('u8', 'Eighth', chicago), 'database.created'),
      at(4 * minutes, nameOnly('Ninth'), 'organization.left', on('Organization', 'acme')),
      at(5 * minutes, who('u9', 'Ninth', chicago), 'database.created'),
    ],
    answer: [
      {
        actorId: 'b0bkujnkswjk',
        actorName: 'Bob Example',
        removedAt: '2026-10-22 12:00:00',
        actions: ['database_branch.created'],
        addresses: [newYork],
        events: 1,
      },
      { actorId: 'u2', actions: ['user.signed_in'] },
      { actorId: 'u3', actions: ['database.created'] },
      { actorId: 'u4', removedAt: '2026-11-16 12:00:00' },
      { actorId: 'u5', actorName: 'Fifth' },
      { actorId: 'u6', actorName: 'Sixth' },
      { actorId: 'u7', actorName: 'Seventh' },
      { actorId: 'u8', actorName: 'Eighth' },
      { actorId: 'u9', actorName: 'Ninth' },
    ],
    nearMisses: {
      'a removal from another organization': [
        ...elsewhere(at(-2 * days, ada, 'organization.removed_member', onActor(bob))),
        at(1 * minutes, bob, 'database_branch.created'),
      ],
      'what PlanetScale may log because the member left': [
        at(1 * minutes, bob, 'organization.left', on('Organization', 'acme')),
        at(1 * minutes + 3000, bob, 'organization_team.left', on('OrganizationTeam', 'backend')),
      ],
      'another member of the same name': [
        at(-2 * days, ada, 'organization.removed_member', onActor(bob)),
        at(-2 * days, ada, 'organization.removed_member', towardsActor(who('b2', 'Bob Example', chicago))),
        at(-1 * days, who('b3', 'Bob Example', chicago), 'organization.left', on('Organization', 'acme')),
        at(1 * minutes, who('b4', 'Bob Example', chicago), 'database_branch.created'),
      ],
      'a member who was removed and added in the same second': [
        at(-1 * days, ada, 'organization.removed_member', onActor(bob)),
        at(-1 * days, ada, 'organization.added_member', onActor(bob)),
        at(1 * minutes, bob, 'database_branch.created'),
      ],
      'a member who joined again in the second of the act': [
        at(-2 * days, ada, 'organization.removed_member', onActor(bob)),
        at(1 * minutes, bob, 'organization.joined', on('Organization', 'acme')),
        at(1 * minutes, bob, 'database_branch.created'),
      ],
      'a member whose new membership has the name alone': [
        at(-2 * days, ada, 'organization.removed_member', onActor(bob)),
        at(-1 * days, ada, 'organization_membership.created', onMembership(bob)),
        at(1 * minutes, bob, 'database_branch.created'),
      ],
      'an act before the removal': [
        at(1 * minutes, bob, 'database_branch.created'),
        at(2 * minutes, ada, 'organization.removed_member', onActor(bob)),
      ],
      'the one who removed the member': [
        at(1 * minutes, ada, 'organization.removed_member', onActor(bob)),
        at(2 * minutes, ada, 'database_branch.created'),
      ],
      'a member who was added again': [
        at(-2 * days, ada, 'organization.removed_member', onActor(bob)),
        at(-1 * days, ada, 'organization.added_member', onActor(bob)),
        at(1 * minutes, bob, 'database_branch.created'),
      ],
      'a member whose membership was created again': [
        at(-2 * days, ada, 'organization.removed_member', onActor(bob)),
        at(-1 * days, ada, 'organization_membership.created', towardsActor(bob)),
        at(1 * minutes, bob, 'database_branch.created'),
      ],
      'a member who joined again in the window': [
        at(-2 * days, ada, 'organization.removed_member', onActor(bob)),
        at(1 * minutes, bob, 'organization.joined', on('Organization', 'acme')),
        at(2 * minutes, bob, 'database_branch.created'),
      ],
      'a member who leaves': [
        at(-2 * days, ada, 'organization.removed_member', onActor(bob)),
        at(1 * minutes, bob, 'organization.left', on('Organization', 'acme')),
      ],
      'a removal that is too long ago': [
        at(-31 * days, ada, 'organization.removed_member', onActor(bob)),
        at(1 * minutes, bob, 'database_branch.created'),
      ],
      'members and actors without id and name': [
        at(-2 * days, ada, 'organization.removed_member', onActor(planetScale)),
        at(1 * minutes, { ...planetScale, actor_type: 'User' }, 'database_branch.created'),
      ],
    },
  },
  'planetscale-action-first-seen': {
    found: [
      isOld,
      at(1 * minutes, ada, 'external_datasource.created'),
      at(2 * minutes, bob, 'external_datasource.created'),
      at(-200 * days, ada, 'integration.created'),
      at(3 * minutes, ada, 'integration.created'),
      ...elsewhere(at(-20 * days, ada, 'integration.created')),
      // An event that arrives almost a day late.
      at(-23 * hours, ada, 'database_webhook.created', {}, 1 * minutes),
    ],
    answer: [
      { eventName: 'database_webhook.created', firstSeen: '2026-11-19 13:00:00' },
      {
        eventName: 'external_datasource.created',
        firstSeen: '2026-11-20 12:01:00',
        actorNames: ['Bob Example', 'ada@example.com'],
        events: 2,
      },
      { eventName: 'integration.created', events: 1 },
    ],
    nearMisses: {
      'an action that is known': [
        isOld,
        at(-179 * days, ada, 'external_datasource.created'),
        at(1 * minutes, ada, 'external_datasource.created'),
      ],
      'a log that has just begun': [past(ada, -13 * days), at(1 * minutes, ada, 'external_datasource.created')],
      'a log that has just begun, beside an old one': [
        ...elsewhere(isOld),
        at(1 * minutes, ada, 'external_datasource.created'),
      ],
      'a log that begins again after a long time': [
        past(ada, -200 * days),
        at(1 * minutes, ada, 'external_datasource.created'),
      ],
      'an action that became known days ago, if the row arrives again': [
        isOld,
        ...twice(at(-25 * hours, ada, 'external_datasource.created'), 1 * minutes),
      ],
      'an action that is older than the rule looks back': [
        isOld,
        at(-181 * days, ada, 'external_datasource.created', {}, 1 * minutes),
      ],
      'an action that is known, if the past arrives in the window': [
        isOld,
        at(-25 * hours, ada, 'external_datasource.created', {}, 1 * minutes),
        at(2 * minutes, ada, 'external_datasource.created'),
      ],
    },
  },
  'planetscale-external-data-source-or-integration-created': {
    found: actions(
      ['external_datasource.created', on('ExternalDatasource', 'warehouse')],
      ['integration.created', on('Integration', 'reports')],
    ),
    nearMisses: {
      'a deleted integration': miss('integration.deleted'),
      'a deleted data source': miss('external_datasource.deleted'),
    },
  },
  'planetscale-webhook-created': {
    found: actions(['database_webhook.created', on('DatabaseWebhook', 'hook')]),
    nearMisses: {
      'a deleted webhook': miss('database_webhook.deleted'),
      'an integration': miss('integration.created'),
    },
  },
  'planetscale-actor-in-distant-places': {
    found: [
      // The first place was received before the window.
      at(-50 * minutes, ada, 'user.signed_in'),
      at(10 * minutes, { ...ada, remote_ip: newYork }, 'database_branch.created'),
      // The event that is near in time is not the first of its minute.
      at(-59 * minutes + 5000, { ...bob, remote_ip: chicago }, 'user.signed_in'),
      at(-59 * minutes + 55_000, { ...bob, remote_ip: chicago }, 'database.created'),
      at(1 * minutes + 30_000, { ...bob, remote_ip: amsterdam }, 'database_branch.created'),
      // An event that arrives almost a day late.
      at(-24 * hours - 45 * minutes, robot, 'database.created'),
      at(-24 * hours + 10 * minutes, { ...robot, remote_ip: amsterdam }, 'database.created', {}, 1 * minutes),
      // The earlier of two events arrives later.
      at(-40 * minutes, who('u3', 'Third', chicago), 'user.signed_in', {}, 2 * minutes),
      at(-10 * minutes, who('u3', 'Third', amsterdam), 'user.signed_in'),
    ],
    answer: [
      {
        actorId: 'r0b0tjnkswjk',
        firstSeen: '2026-11-19 11:15:00',
        lastSeen: '2026-11-19 12:10:00',
        addresses: [washington, amsterdam],
      },
      {
        actorId: 'b0bkujnkswjk',
        firstSeen: '2026-11-20 11:01:55',
        lastSeen: '2026-11-20 12:01:30',
        actions: ['database.created', 'database_branch.created'],
      },
      {
        actorType: 'User',
        actorId: 'd4hkujnkswjk',
        actorName: 'ada@example.com',
        distance: 1144,
        firstSeen: '2026-11-20 11:10:00',
        lastSeen: '2026-11-20 12:10:00',
        visited: [
          ['US', 'Chicago'],
          ['US', 'New York'],
        ],
        addresses: [chicago, newYork],
        actions: ['database_branch.created', 'user.signed_in'],
      },
      { actorId: 'u3', addresses: [chicago, amsterdam] },
    ],
    nearMisses: {
      'places that are near': [past(ada, 0), past({ ...ada, remote_ip: washington }, 5 * minutes)],
      'more than an hour': [past(ada, -51 * minutes), past({ ...ada, remote_ip: newYork }, 10 * minutes)],
      'two organizations': [past(ada, 0), ...elsewhere(past({ ...ada, remote_ip: amsterdam }, 5 * minutes))],
      'a pair of an earlier window, and an event from between': [
        past(ada, -40 * minutes),
        past({ ...ada, remote_ip: newYork }, -20 * minutes),
        past({ ...ada, remote_ip: '203.0.113.4' }, 1 * minutes),
      ],
      'two actors': [past(ada, 0), past({ ...bob, remote_ip: amsterdam }, 5 * minutes)],
      'one id of two types': [
        past(ada, 0),
        past({ ...ada, actor_type: 'ServiceToken', remote_ip: amsterdam }, 5 * minutes),
      ],
      'an address without a place': [past(ada, 0), past({ ...ada, remote_ip: unknownPlace }, 5 * minutes)],
      'events without an actor': [
        past({ ...planetScale, remote_ip: chicago }, 0),
        past({ ...planetScale, remote_ip: amsterdam }, 5 * minutes),
      ],
    },
  },
};
