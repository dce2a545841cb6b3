import {
  AuditConfigError,
  runRevealWebhook,
  toJsonEachRow,
  toRevealdEvent,
  toRunRevealRow,
  toStructuredWebhook,
} from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { eventWith } from '../support/arbitrary-events.ts';
import { webhookSecret } from '../support/recording-webhook.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
type Untyped = any;

const event = eventWith({ remote_ip: '203.0.113.7' });
const url = `https://api.runreveal.com/sources/hook/${webhookSecret}`;

const takers: readonly (readonly [string, (context: Untyped) => unknown])[] = [
  ['toRunRevealRow', (context) => toRunRevealRow(event, context)],
  ['toJsonEachRow', (context) => toJsonEachRow(event, context)],
  ['toStructuredWebhook', (context) => toStructuredWebhook(event, context)],
  ['toRevealdEvent', (context) => toRevealdEvent(event, context)],
  ['runRevealWebhook', (context) => runRevealWebhook({ url, context })],
];

describe.each(takers)('a RunReveal context for %s is an AuditConfigError', (_, take) => {
  test.each([
    ['a lookupIp that is no function', { lookupIp: 'x' }, 'lookupIp: must be a function'],
    ['an actorEmail that is no function', { actorEmail: 'x' }, 'actorEmail: must be a function'],
    ['a receivedAt that is no Date', { receivedAt: '2026' }, 'receivedAt: must be a Date'],
    ['enrichments that are no array', { enrichments: 'x' }, 'enrichments: must be an array'],
    ['an enrichment that is no object', { enrichments: ['x'] }, 'enrichments: the options must be an object'],
    ['an enrichment with an unknown key', { enrichments: [{ nam: 'x' }] }, 'enrichments: nam: did you mean name?'],
    ['an enrichment without data', { enrichments: [{ name: 'x' }] }, 'enrichments: data: must be an object'],
  ])('with %s', (_, context, problem) => {
    expect(() => take(context)).toThrow(AuditConfigError);
    expect(() => take(context)).toThrow(problem);
  });
});

describe('the result of lookupIp', () => {
  const lookUp = (result: Untyped) => toRunRevealRow(event, { lookupIp: () => result });

  test.each([
    ['is a promise', Promise.resolve({ city: 'Zug' }), /lookupIp returned a promise.*before/],
    ['has an unknown key', { cty: 'Zug' }, /the result of lookupIp: cty: did you mean city\?/],
    ['is a text', 'Zug', /the result of lookupIp: the options must be an object/],
  ])('that %s is an AuditConfigError', (_, result, message) => {
    expect(() => lookUp(result)).toThrow(AuditConfigError);
    expect(() => lookUp(result)).toThrow(message);
  });

  test('may be undefined or an IpInfo', () => {
    expect(lookUp(undefined).srcCity).toBe('');
    expect(lookUp({ city: 'Zug' }).srcCity).toBe('Zug');
  });
});
