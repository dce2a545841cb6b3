import { expect, test } from 'vitest';
import type { AuditEvent } from '../../src/audit-log/event.ts';
import { rowOf } from './row-of.ts';

test.each(['ada@example.com', 'ada.example+audit@mail.example.co.uk', "o'hara@example.com", 'ada@exämple.de'])(
  'the display name %s is also the e-mail address of the actor',
  (actor_display_name) => {
    expect(rowOf({ actor_display_name }).actor).toEqual({
      id: 'd4hkujnkswjk',
      username: actor_display_name,
      email: actor_display_name,
    });
  },
);

test.each([
  'Ada Example',
  '@ada',
  'ada@',
  'ada@example',
  'Ada <ada@example.com>',
  'ada@example.com, bob@example.com',
  'ada@bob@example.com',
  'ada@example..com',
])('the display name %j gives the actor no e-mail address', (actor_display_name) => {
  expect(rowOf({ actor_display_name }).actor).not.toHaveProperty('email');
});

test('a display name longer than any e-mail address is rejected without backtracking', () => {
  for (const name of [`ada@${'a.'.repeat(200)}com`, `a@${'.'.repeat(1_000_000)} `, 'a'.repeat(1_000_000)]) {
    expect(rowOf({ actor_display_name: name }).actor).not.toHaveProperty('email');
  }
});

test('actorEmail takes precedence over the display name', () => {
  const actorEmail = (event: AuditEvent) => (event.actor_id === 'd4hkujnkswjk' ? 'ada@example.com' : undefined);
  expect(rowOf({}, { actorEmail }).actor).toMatchObject({ username: 'Ada Example', email: 'ada@example.com' });
  const unknown = { actor_id: 'other', actor_display_name: 'bob@example.com' };
  expect(rowOf(unknown, { actorEmail }).actor).toMatchObject({ email: 'bob@example.com' });
  expect(rowOf(unknown, { actorEmail: () => '' }).actor).not.toHaveProperty('email');
});

test('an actor leaves out empty keys', () => {
  expect(rowOf({ actor_id: null, actor_display_name: '' }).actor).toEqual({});
  expect(rowOf({ actor_id: null }).actor).toEqual({ username: 'Ada Example' });
});

test('context.tags adds, replaces and removes tags, and false removes all', () => {
  expect(rowOf({ target_type: null }).tags).toEqual({ actor_type: 'User', auditable_type: 'DeployRequest' });
  expect(rowOf({}, { tags: { env: 'production', target_type: 'DB', actor_type: '' } }).tags).toEqual({
    auditable_type: 'DeployRequest',
    target_type: 'DB',
    env: 'production',
  });
  expect(rowOf({}, { tags: false }).tags).toEqual({});
});

test('tags and enrichments may have any key, __proto__ included', () => {
  const odd = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}');
  expect(JSON.stringify(rowOf({ actor_type: null, auditable_type: null, target_type: null }, { tags: odd }).tags)).toBe(
    '{"__proto__":"a","constructor":"b","toString":"c"}',
  );
  const enrichments = [{ data: odd, name: '', provider: '', type: '', value: '' }];
  expect(JSON.stringify(rowOf({}, { enrichments }).enrichments[0]?.data)).toBe(JSON.stringify(odd));
});

test('resources are the auditable and the target, or one resource if they are the same', () => {
  const same = { target_type: 'DeployRequest', target_id: 'kbog8qlq6lp4', target_display_name: 'another name' };
  expect(rowOf(same).resources).toEqual(['{"type":"DeployRequest","id":"kbog8qlq6lp4","name":"deploy request #102"}']);
  expect(rowOf({ target_type: 'DeployRequest' }).resources).toHaveLength(2);
  expect(rowOf({ target_id: 'kbog8qlq6lp4' }).resources).toHaveLength(2);
});

test('a resource is left out only if it has neither an id nor a type', () => {
  const noTarget = { target_type: null, target_id: null };
  expect(rowOf({ ...noTarget, auditable_type: null, auditable_id: null }).resources).toEqual([]);
  expect(rowOf({ ...noTarget, auditable_type: '', auditable_id: '' }).resources).toEqual([]);
  expect(rowOf({ auditable_type: null, auditable_id: null }).resources).toEqual([
    '{"type":"Database","id":"m40xz7x6gvvk","name":"planetscale"}',
  ]);
  expect(rowOf({ ...noTarget, auditable_id: null, auditable_display_name: 'a "name"\n' }).resources).toEqual([
    '{"type":"DeployRequest","id":null,"name":"a \\"name\\"\\n"}',
  ]);
});

test.each([
  'user.signed_in',
  'branch.open_web_console',
  'backup.viewed',
  'backup.read',
  'backup.listed',
  'backup.downloaded',
  'audit_log.exported',
  'organization.user.signed_in',
  'signed_in',
])('readOnly is true for %s, even if action is null', (audit_action) => {
  expect(rowOf({ audit_action, action: null }).readOnly).toBe(true);
});

test.each([
  'database_branch.created',
  'user.signed_out',
  'organization.joined',
  'access_token.token_leaked',
  'database.thread',
  'read.deleted',
  'user.signed_in.again',
  'user.SIGNED_IN',
  'constructor',
  '',
])('readOnly is false for %j', (audit_action) => {
  expect(rowOf({ audit_action }).readOnly).toBe(false);
});
