import type { AuditAction, AuditEvent } from '../../audit-log/event.ts';
import type { JsonObject } from '../../internal/types.ts';

type Actor = Pick<AuditEvent, 'actor_id' | 'actor_type' | 'actor_display_name' | 'location' | 'remote_ip'>;
type Target = Pick<AuditEvent, 'target_id' | 'target_type' | 'target_display_name'>;

// The lengths of these lists differ, so that all combinations occur over time.
const actions: readonly AuditAction[] = [
  'database_branch.created',
  'deploy_request.queued',
  'database_branch_password.created',
  'user.signed_in',
  'service_token.token_leaked',
  'organization.removed_member',
  'backup_policy.deleted',
];

const actors: readonly Actor[] = [
  {
    actor_id: 'd4hkujnkswjk',
    actor_type: 'User',
    actor_display_name: 'Ada Example',
    location: 'Chicago, IL',
    remote_ip: '203.0.113.24',
  },
  {
    actor_id: 'p7x0c2vv9ma1',
    actor_type: 'User',
    actor_display_name: 'Grace Sample',
    location: null,
    remote_ip: '2001:db8::1a2b',
  },
  {
    actor_id: 'q1s9w8t3z5k7',
    actor_type: 'ServiceToken',
    actor_display_name: 'deploy-bot',
    location: 'Ashburn, VA',
    remote_ip: '198.51.100.7',
  },
  // PlanetScale itself acts without an actor.
  { actor_id: null, actor_type: null, actor_display_name: null, location: null, remote_ip: null },
];

const targets: readonly Target[] = [
  { target_id: 'm40xz7x6gvvk', target_type: 'Database', target_display_name: 'dogs' },
  { target_id: 'v2k8r1n6b0ye', target_type: 'Database', target_display_name: 'billing' },
  { target_id: 'h5j3l9c7d2fo', target_type: 'DatabaseBranch', target_display_name: 'main' },
];

/** Frozen, because events share these objects. */
const metadata: readonly JsonObject[] = [
  Object.freeze({ from: 'add-index', into: 'main' }),
  Object.freeze({ database: 'dogs', production: true }),
  Object.freeze({ region: 'us-east', replicas: 2 }),
  Object.freeze({}),
  Object.freeze({ previous: null, reason: 'naïve “rename”' }),
];

const pick = <T>(choices: readonly T[], turn: number): T => {
  const choice = choices[turn % choices.length];
  if (choice === undefined) throw new RangeError('pick received an empty list. Pass at least one choice.');
  return choice;
};

const idCharacters = '0123456789abcdefghijklmnopqrstuvwxyz';

const randomId = (): string => {
  let id = '';
  for (let length = 0; length < 12; length++)
    id += idCharacters.charAt(Math.floor(Math.random() * idCharacters.length));
  return id;
};

/** `deploy_request` → `DeployRequest` */
const typeName = (subject: string): string =>
  subject.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

const isGiven = ([, value]: readonly [string, unknown]): boolean => value !== undefined;

/** Returns an event with the 17 fields of today's API and any other given fields. `turn` varies the invented values. */
export function createSampleEvent(given: Partial<AuditEvent>, now: Date, turn: number): AuditEvent {
  const auditAction = given.audit_action ?? pick(actions, turn);
  // Tests of a client's validation pass values here that are no strings.
  const words = String(auditAction).split('.');
  const [subject = ''] = words;
  const createdAt = given.created_at ?? now.toISOString();
  return {
    id: randomId(),
    audit_action: auditAction,
    action: words.at(-1) ?? null,
    ...pick(actors, turn),
    auditable_id: randomId(),
    auditable_type: typeName(subject),
    auditable_display_name: `${subject.replaceAll('_', ' ')} #${turn + 1}`,
    ...pick(targets, turn),
    metadata: pick(metadata, turn),
    created_at: createdAt,
    updated_at: createdAt,
    ...Object.fromEntries(Object.entries(given).filter(isGiven)),
  };
}
