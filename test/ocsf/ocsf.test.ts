import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { AuditConfigError, type AuditEvent, knownAuditActions, rawJson, toOcsf } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { arbitraryEvent, eventFromText, eventWith } from '../support/arbitrary-events.ts';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

interface Attribute {
  readonly type: string;
  readonly requirement: 'required' | 'recommended' | 'optional';
  readonly enum?: Readonly<Record<string, string>>;
}
interface Shape {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly constraints?: { readonly at_least_one: readonly string[] };
}
/** The class in one version of ocsf/ocsf-schema. The field `about` in the file names its sources. */
interface Schema {
  readonly version: string;
  readonly patterns: Readonly<Record<string, string>>;
  readonly class: Shape;
  readonly objects: Readonly<Record<string, Shape>>;
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const schemas: readonly Schema[] = ['1.4.0', '1.8.0'].map((version) => JSON.parse(read(`ocsf-${version}.json`)));

/** Every violation of the schema in an object, with its path. */
function* violations(
  schema: Schema,
  shape: Shape,
  value: Readonly<Record<string, unknown>>,
  at = '',
): Generator<string> {
  for (const [name, { requirement }] of Object.entries(shape.attributes)) {
    if (requirement === 'required' && value[name] === undefined) yield `${at}${name} is missing`;
  }
  const anyOf = shape.constraints?.at_least_one;
  if (anyOf && !anyOf.some((name) => value[name] !== undefined)) yield `${at} has none of ${anyOf}`;
  for (const [name, held] of Object.entries(value)) {
    const attribute = shape.attributes[name];
    if (!attribute) yield `${at}${name} is unknown`;
    else yield* valueViolations(schema, attribute, held, `${at}${name}`);
  }
}

function* valueViolations(
  schema: Schema,
  { type, enum: choices }: Attribute,
  held: unknown,
  at: string,
): Generator<string> {
  if (choices && !(String(held) in choices)) yield `${at} is ${held}, which is none of its values`;
  const isNumber = type === 'integer_t' || type === 'long_t' || type === 'timestamp_t';
  if (isNumber) {
    if (!Number.isSafeInteger(held)) yield `${at} is not a ${type}`;
  } else if (type.endsWith('_t')) {
    const pattern = schema.patterns[type];
    if (typeof held !== 'string') yield `${at} is not a ${type}`;
    else if (pattern && !new RegExp(pattern).test(held)) yield `${at} is ${held}, which is not a ${type}`;
  } else if (typeof held !== 'object' || held === null) {
    yield `${at} is not a ${type}`;
  } else if (type !== 'object') {
    const shape = schema.objects[type];
    if (shape) yield* violations(schema, shape, { ...held }, `${at}.`);
    else yield `${at} is a ${type}, which the fixture does not contain`;
  }
}

const violationsOf = (schema: Schema, event: AuditEvent, organization?: string) => [
  ...violations(schema, schema.class, toOcsf(event, { organization })),
];

/** Each numeric attribute, with the attribute that has its caption. */
const captions = [
  ['activity_id', 'activity_name'],
  ['category_uid', 'category_name'],
  ['class_uid', 'class_name'],
  ['type_uid', 'type_name'],
  ['severity_id', 'severity'],
  ['status_id', 'status'],
] as const;

describe.each(schemas)('the schema of OCSF $version', (schema) => {
  test('accepts every known action, and defines the captions of its numbers', () => {
    for (const audit_action of knownAuditActions) {
      const event = eventWith({ audit_action });
      expect(violationsOf(schema, event, 'acme'), audit_action).toEqual([]);
      const ocsf = toOcsf(event);
      for (const [id, caption] of captions) {
        if (ocsf[id] === 99) continue; // The caption of Other is the verb of the action.
        expect(ocsf[caption], audit_action).toBe(schema.class.attributes[id]?.enum?.[String(ocsf[id])]);
      }
    }
  });

  test(`accepts any event, which can also be written as JSON (seed ${seed})`, () => {
    fc.assert(
      fc.property(arbitraryEvent, fc.option(fc.string(), { nil: undefined }), (event, organization) => {
        expect(violationsOf(schema, event, organization)).toEqual([]);
        expect(toOcsf(event).raw_data).toBe(rawJson(event).toWellFormed());
        JSON.stringify(toOcsf(event));
      }),
      { seed },
    );
  });

  test.each(['::ffff:203.0.113.7', '2001:DB8::1', '2001:db8:0:0:1:0:0:1', '203.0.113.24'])(
    'accepts the IP address %s',
    (remote_ip) => {
      expect(violationsOf(schema, eventWith({ remote_ip }))).toEqual([]);
      expect(toOcsf(eventWith({ remote_ip }))).toHaveProperty('src_endpoint.ip');
    },
  );

  test.each(['ada@example.com', 'ådä@exämple.com', 'Ada <ada@example.com>', "o'ada+x,y@example.com"])(
    'accepts the e-mail address, or its absence, for the name %s',
    (actor_display_name) => {
      expect(violationsOf(schema, eventWith({ actor_display_name }))).toEqual([]);
    },
  );

  test('finds every recommended attribute except those without a source and those that would repeat others', () => {
    const ocsf = toOcsf(eventWith(), { organization: 'acme' });
    const missing = (shape: Shape | undefined, value: object) =>
      Object.entries(shape?.attributes ?? {})
        .filter(([name, { requirement }]) => requirement === 'recommended' && !(name in value))
        .map(([name]) => name);
    expect(missing(schema.class, ocsf)).toEqual([
      'comment',
      'entity_result',
      'observables',
      'status_code',
      'status_detail',
      'timezone_offset',
    ]);
    expect(missing(schema.objects.metadata, Object(ocsf.metadata)).filter((name) => name !== 'reporter')).toEqual([]);
  });
});

test('toOcsf maps the public sample to the documented event', () => {
  const event = eventWith();
  expect(toOcsf(event, { organization: 'acme' })).toEqual({
    activity_id: 3,
    activity_name: 'Update',
    category_uid: 3,
    category_name: 'Identity & Access Management',
    class_uid: 3004,
    class_name: 'Entity Management',
    type_uid: 300403,
    type_name: 'Entity Management: Update',
    severity_id: 1,
    severity: 'Informational',
    status_id: 1,
    status: 'Success',
    time: Date.UTC(2021, 6, 19, 17, 13, 45),
    message: 'queued deploy request #102',
    metadata: {
      version: '1.4.0',
      product: { name: 'PlanetScale', vendor_name: 'PlanetScale' },
      log_provider: 'PlanetScale',
      log_name: 'audit-log',
      uid: 'ecxuvovgfo95',
      event_code: 'deploy_request.queued',
      original_time: '2021-07-19T17:13:45.000Z',
      tenant_uid: 'acme',
    },
    actor: { user: { uid: 'd4hkujnkswjk', name: 'Ada Example', type: 'User', type_id: 1 } },
    src_endpoint: { ip: '203.0.113.24' },
    entity: { uid: 'kbog8qlq6lp4', name: 'deploy request #102', type: 'DeployRequest', type_id: 99 },
    unmapped: {
      location: 'Chicago, IL',
      target_id: 'm40xz7x6gvvk',
      target_type: 'Database',
      target_display_name: 'planetscale',
      updated_at: '2021-07-19T17:13:45.000Z',
      metadata: { from: 'add-name-to-service-tokens', into: 'main' },
    },
    raw_data: rawJson(event),
  });
});

test('docs/ocsf.md names every attribute', () => {
  const docs = read('../../docs/ocsf.md');
  const { metadata, actor, entity, unmapped, ...ocsf } = toOcsf(eventWith(), { organization: 'acme' });
  const names = [
    ocsf,
    { metadata, entity, unmapped },
    Object(metadata),
    Object(actor).user,
    Object(entity),
    Object(unmapped),
  ].flatMap(Object.keys);
  expect(names.filter((name) => !docs.includes(`\`${name}\``) && !docs.includes(`\`${name}.`))).toEqual([]);
});

describe('toOcsf', () => {
  test.each([
    ['database_branch.something_new', 99, 'something_new'],
    ['database_branch.updated_something_new', 3, 'Update'],
    ['database_branch.updatedness', 99, 'updatedness'],
    ['database_branch.constructor', 99, 'constructor'],
    ['created', 1, 'Create'],
  ])('gives the unknown action %s the activity %i %s', (audit_action, activity_id, activity_name) => {
    expect(toOcsf(eventWith({ audit_action }))).toMatchObject({
      activity_id,
      activity_name,
      type_uid: 300400 + activity_id,
    });
  });

  test('gives each known action the activity under which docs/ocsf.md lists the action', () => {
    const known = knownAuditActions.map((audit_action) => {
      const { activity_id, type_name } = toOcsf(eventWith({ audit_action }));
      return { audit_action, id: Number(activity_id), caption: String(type_name).replace('Entity Management: ', '') };
    });
    const ids = [...new Set(known.map(({ id }) => id))].sort((a, b) => a - b);
    const lines = ids.map((id) => {
      const actions = known.filter((action) => action.id === id);
      return `- **${id} ${actions[0]?.caption}**: ${actions.map(({ audit_action }) => `\`${audit_action}\``).join(', ')}`;
    });
    expect(read('../../docs/ocsf.md')).toContain(`\n\n${lines.join('\n')}\n`);
  });
});

test.each([
  ['access_token.token_leaked', 4],
  ['service_token.token_leaked', 4],
  ['database_branch_password.password_leaked', 4],
  ['organization.disabled_sso', 2],
  ['organization.disabled_sso_directory', 2],
  ['organization.enabled_sso', 1],
  ['database.deleted', 1],
])('%s has the severity %i', (audit_action, severity_id) => {
  expect(toOcsf(eventWith({ audit_action }))).toMatchObject({ severity_id });
});

test('the actor is a user, a service token, or PlanetScale itself', () => {
  expect(toOcsf(eventWith({ actor_display_name: 'ada@example.com' }))).toMatchObject({
    actor: { user: { name: 'ada@example.com', email_addr: 'ada@example.com', type_id: 1 } },
  });
  expect(toOcsf(eventWith({ actor_type: 'ServiceToken' }))).toMatchObject({
    actor: { user: { type: 'ServiceToken', type_id: 99 } },
  });
  expect(toOcsf(eventWith({ actor_id: null, actor_type: null, actor_display_name: null })).actor).toEqual({
    app_name: 'PlanetScale',
  });
  expect(toOcsf(eventWith({ actor_id: null, actor_type: 'ServiceToken', actor_display_name: null })).actor).toEqual({
    user: { name: 'ServiceToken', type: 'ServiceToken', type_id: 99 },
  });
});

test('an auditable user or organization is also a user or organization in OCSF', () => {
  const auditable = { auditable_id: 'a1', auditable_display_name: 'acme' };
  expect(toOcsf(eventWith({ ...auditable, auditable_type: 'User' }))).toMatchObject({
    entity: { type_id: 2, user: { uid: 'a1', name: 'acme' } },
  });
  expect(toOcsf(eventWith({ ...auditable, auditable_type: 'Organization' }))).toMatchObject({
    entity: { type_id: 4, org: { uid: 'a1', name: 'acme' } },
  });
});

test('an event with only the three required fields has an entity and an actor in OCSF', () => {
  const event = eventFromText('{"id":"a","audit_action":"user.signed_in","created_at":"2026-11-01T00:00:00Z"}');
  const ocsf = toOcsf(event);
  expect(ocsf).toMatchObject({ entity: { name: 'user', type_id: 0 }, actor: { app_name: 'PlanetScale' } });
  expect(ocsf).not.toHaveProperty('src_endpoint');
  expect(ocsf).not.toHaveProperty('unmapped');
});

describe('nested metadata', () => {
  const nested = (levels: number) => `{"deep":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const ocsfWith = (metadata: string) =>
    toOcsf(
      eventFromText(
        `{"id":"a","audit_action":"user.created","created_at":"2026-11-01T00:00:00Z","metadata":${metadata}}`,
      ),
    );

  test('is in unmapped if it has 1,000 levels', () => {
    expect(JSON.stringify(ocsfWith(nested(1000)).unmapped)).toBe(`{"metadata":${nested(1000)}}`);
  });

  test.each([1001, 4000, 5000, 20_000])(
    'is in raw_data only if it has %i levels, and the event can still be written as JSON',
    (levels) => {
      const ocsf = ocsfWith(nested(levels));
      expect(ocsf).not.toHaveProperty('unmapped');
      expect(JSON.parse(JSON.stringify(ocsf)).raw_data).toContain(nested(levels));
    },
  );
});

describe("unmapped: 'json'", () => {
  test(`gives the same event, with unmapped as one JSON text (seed ${seed})`, () => {
    fc.assert(
      fc.property(arbitraryEvent, (event) => {
        const { unmapped, ...rest } = toOcsf(event, { organization: 'acme', unmapped: 'object' });
        const { unmapped: text, ...sameRest } = toOcsf(event, { organization: 'acme', unmapped: 'json' });
        // Without a time in the event, each call takes the time of the call.
        expect({ ...sameRest, time: 0 }).toEqual({ ...rest, time: 0 });
        expect(text).toBe(unmapped === undefined ? undefined : JSON.stringify(unmapped));
      }),
      { seed },
    );
  });

  test('gives text for the public sample, in which the keys are those of the object', () => {
    expect(toOcsf(eventWith(), { unmapped: 'json' }).unmapped).toBe(
      '{"location":"Chicago, IL","target_id":"m40xz7x6gvvk","target_type":"Database","target_display_name":"planetscale","updated_at":"2021-07-19T17:13:45.000Z","metadata":{"from":"add-name-to-service-tokens","into":"main"}}',
    );
  });

  test('leaves unmapped out if it would be empty, as with an object', () => {
    const event = eventFromText('{"id":"a","audit_action":"user.signed_in","created_at":"2026-11-01T00:00:00Z"}');
    expect(toOcsf(event, { unmapped: 'json' })).not.toHaveProperty('unmapped');
  });

  test(`gives each attribute the same type in all events, from which a schema can be inferred (seed ${seed})`, () => {
    const typesByPath = (unmapped: 'object' | 'json') => {
      const types = new Map<string, Set<string>>();
      const collect = (value: unknown, path: string) => {
        const type = Array.isArray(value) ? 'array' : typeof value;
        types.set(path, (types.get(path) ?? new Set()).add(type));
        if (type === 'object')
          for (const [key, inner] of Object.entries(Object(value))) collect(inner, `${path}.${key}`);
      };
      for (const metadata of [{ a: 1 }, { a: 'text' }]) collect(toOcsf(eventWith({ metadata }), { unmapped }), '');
      for (const event of fc.sample(arbitraryEvent, { numRuns: 300, seed })) collect(toOcsf(event, { unmapped }), '');
      return [...types].filter(([, found]) => found.size > 1).map(([path]) => path);
    };
    expect(typesByPath('json')).toEqual([]);
    expect(typesByPath('object')).toContain('.unmapped.metadata.a');
  });
});

test.each(schemas)('OCSF $version types unmapped as an object, which is the default', (schema) => {
  expect(schema.class.attributes.unmapped).toEqual({ type: 'object', requirement: 'optional' });
  expect(toOcsf(eventWith(), { unmapped: undefined })).toEqual(toOcsf(eventWith(), { unmapped: 'object' }));
  expect([...violations(schema, schema.class, toOcsf(eventWith(), { unmapped: 'json' }))]).toEqual([
    'unmapped is not a object',
  ]);
});

// biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
const ocsfWithContext = (context: any) => () => toOcsf(eventWith(), context);

test.each(['JSON', 'string', '', true, null])('an unmapped of %j throws an AuditConfigError', (unmapped) => {
  expect(ocsfWithContext({ unmapped })).toThrow(AuditConfigError);
  expect(ocsfWithContext({ unmapped })).toThrow("toOcsf: unmapped: must be 'object' or 'json'.");
});

test.each([
  [{ organisation: 'acme' }, 'organisation: did you mean organization?'],
  [{ unmaped: 'json' }, 'unmaped: did you mean unmapped?'],
  [{ tenant: 'acme' }, 'tenant: is no option (the options are organization, unmapped)'],
])('a context of %j throws an AuditConfigError that names the nearest known key', (context, problem) => {
  expect(ocsfWithContext(context)).toThrow(AuditConfigError);
  expect(ocsfWithContext(context)).toThrow(`toOcsf: ${problem}`);
});

test("the organization's name in place of the context throws an AuditConfigError", () => {
  expect(ocsfWithContext('acme')).toThrow(AuditConfigError);
  expect(ocsfWithContext('acme')).toThrow('toOcsf: the options must be an object.');
});
