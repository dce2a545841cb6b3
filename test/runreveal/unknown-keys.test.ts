import {
  AuditConfigError,
  planetscaleLogsDdl,
  type RunRevealContext,
  runRevealWebhook,
  toJsonEachRow,
  toOcsf,
  toRevealdEvent,
  toRunRevealRow,
  toStructuredWebhook,
} from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { eventWith } from '../support/arbitrary-events.ts';
import { leaks } from '../support/leaks.ts';
import { numberedEvents, recordingWebhook, webhookSecret } from '../support/recording-webhook.ts';

const url = `https://api.runreveal.com/sources/hook/${webhookSecret}`;

// biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
type Untyped = any;

const errorOf = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return expect.unreachable('the call should throw');
};

const takers: readonly (readonly [string, (context: Untyped) => unknown])[] = [
  ['toRunRevealRow', (context) => toRunRevealRow(eventWith(), context)],
  ['toJsonEachRow', (context) => toJsonEachRow(eventWith(), context)],
  ['toStructuredWebhook', (context) => toStructuredWebhook(eventWith(), context)],
  ['toRevealdEvent', (context) => toRevealdEvent(eventWith(), context)],
  ['runRevealWebhook', (context) => runRevealWebhook({ url, context })],
];

describe.each(takers)('a RunReveal context for %s', (_, take) => {
  test.each([
    ['actorMail', 'actorMail: did you mean actorEmail?'],
    ['workspaceId', 'workspaceId: did you mean workspaceID?'],
    ['sourceId', 'sourceId: did you mean sourceID?'],
    ['lookupIP', 'lookupIP: did you mean lookupIp?'],
    ['recievedAt', 'recievedAt: did you mean receivedAt?'],
    ['somethingElse', 'somethingElse: is no option (the options are workspaceID, sourceID,'],
  ])('with the unknown key %s is an AuditConfigError that names the nearest known key', (key, problem) => {
    expect(() => take({ sourceID: 's', [key]: '' })).toThrow(AuditConfigError);
    expect(() => take({ sourceID: 's', [key]: () => '' })).toThrow(`RunReveal context: ${problem}`);
    take({ sourceID: 's', [key]: undefined }); // Counts as left out.
  });

  test('with several unknown keys is an error that names all of them', () => {
    expect(() => take({ actorMail: '', tag: {} })).toThrow(
      'RunReveal context: actorMail: did you mean actorEmail?; tag: did you mean tags?',
    );
  });

  test('that is an event by mistake is an error that names five of its keys', () => {
    expect(() => take(eventWith())).toThrow(/^RunReveal context: type: is no option .*; 12 more unknown options\.$/);
    const { message } = Object(errorOf(() => take(eventWith({ ['x'.repeat(10_000)]: 1 }))));
    expect(message.length).toBeLessThan(2000);
  });

  test('is checked again after it has changed', () => {
    const context: Record<string, unknown> = { sourceID: 's' };
    take(context);
    context.sourceTtl = 30;
    expect(() => take(context)).toThrow('sourceTtl: did you mean sourceTTL?');
  });

  test('with a key of control characters is an error without them, and without the value', () => {
    const error = errorOf(() => take({ '\u001b[2J\r\n': webhookSecret }));
    expect(error).toHaveProperty('message', expect.stringContaining('\\u001b[2J\\u000d\\u000a: is no option'));
    expect(leaks(error, webhookSecret)).toBe(false);
  });

  test.each(['planetscale-acme', null, true])('that is %j and no object is an AuditConfigError', (context) => {
    expect(() => take(context)).toThrow(AuditConfigError);
    expect(() => take(context)).toThrow('RunReveal context: the options must be an object.');
  });

  test('may hold every known key, also undefined, frozen or inherited', () => {
    const every: Required<{ [Key in keyof RunRevealContext]: RunRevealContext[Key] }> = {
      workspaceID: '',
      sourceID: '',
      sourceType: '',
      sourceTTL: 0,
      receivedAt: new Date(),
      id: '',
      actorEmail: () => '',
      lookupIp: () => undefined,
      enrichments: [],
      tags: {},
      serviceName: '',
    };
    take(every);
    take(Object.freeze({ ...every }));
    take(Object.create(every));
    take(Object.assign(Object.create(null), every));
    take(Object.fromEntries(Object.keys(every).map((key) => [key, undefined])));
  });
});

test('the formats may be passed to map, which gives them an index in place of the context', () => {
  const events: Untyped = numberedEvents(3);
  expect(events.map(toJsonEachRow)).toHaveLength(3);
  expect(events.map(toRunRevealRow)).toHaveLength(3);
  expect(events.map(toStructuredWebhook)).toEqual(numberedEvents(3).map((event) => toStructuredWebhook(event)));
  expect(events.map(toRevealdEvent)).toEqual(numberedEvents(3).map((event) => toRevealdEvent(event)));
  expect(events.map(toOcsf)).toEqual(numberedEvents(3).map((event) => toOcsf(event)));
});

describe('an unknown option', () => {
  test.each([
    ['tokn', { url, tokn: webhookSecret }],
    ['maxbytes', { url, maxbytes: 1 }],
    ['somethingElse', { url, somethingElse: 1 }],
  ])('%s of runRevealWebhook is an AuditConfigError that names it', (key, options) => {
    const make = () => runRevealWebhook(options as Untyped);
    expect(make).toThrow(AuditConfigError);
    expect(make).toThrow(new RegExp(`^runRevealWebhook: .*${key}`));
    expect(leaks(errorOf(make), webhookSecret)).toBe(false);
  });

  test.each([
    ['db', 'db: is no option (the options are database, table)'],
    ['tabel', 'tabel: did you mean table?'],
    ['Database', 'Database: did you mean database?'],
  ])('%s of planetscaleLogsDdl is an AuditConfigError that names the nearest known one', (key, problem) => {
    const make = () => planetscaleLogsDdl({ [key]: 'security' } as Untyped);
    expect(make).toThrow(AuditConfigError);
    expect(make).toThrow(`planetscaleLogsDdl: ${problem}`);
  });

  test('of planetscaleLogsDdl is also text in place of the options', () => {
    expect(() => planetscaleLogsDdl('security' as Untyped)).toThrow(
      'planetscaleLogsDdl: the options must be an object.',
    );
  });
});

test.each([
  [
    'an AbortSignal in place of the options',
    new AbortController().signal,
    'aborted: is no option (the options are signal)',
  ],
  ['an unknown option', { singal: new AbortController().signal }, 'singal: did you mean signal?'],
])('a batch is not sent with %s', async (_, options, problem) => {
  const webhook = await recordingWebhook();
  const sent = runRevealWebhook({ url: webhook.url })(numberedEvents(1), options as Untyped);
  await expect(sent).rejects.toThrow(AuditConfigError);
  await expect(sent).rejects.toThrow(`send of runRevealWebhook: ${problem}`);
  expect(webhook.received).toEqual([]);
});

test('a batch is not sent with a context that got an unknown key after runRevealWebhook was called', async () => {
  const webhook = await recordingWebhook();
  const context: Record<string, unknown> = {};
  const send = runRevealWebhook({ url: webhook.url, context });
  context.actorMail = 'ada@example.com';
  await expect(send(numberedEvents(1))).rejects.toThrow('actorMail: did you mean actorEmail?');
  expect(webhook.received).toEqual([]);
});
