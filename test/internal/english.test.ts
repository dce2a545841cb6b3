import { poller } from 'planetscale-audit';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { listOf, serve } from '../support/served.ts';

/** Without this, zod itself would give the English messages in a test. */
const setMessagesOfTheApplication = () => {
  const { localeError } = z.config();
  z.config({ localeError: () => 'a message of the application' });
  onTestFinished(() => void z.config({ localeError }));
};

/** Options that the types do not allow, as JavaScript or a cast can pass them. */
const odd = (options: unknown) => options as never;

describe('an application that gives zod other messages', () => {
  test('gets English messages about its options', async () => {
    setMessagesOfTheApplication();
    const { client } = await serve();
    const expected = 'Invalid input: expected string, received number';
    expect(() => client(odd({ organization: 5 }))).toThrow(`organization: ${expected}`);
    expect(() => client(odd({ onInvalidEvent: 5 }))).toThrow('onInvalidEvent: Invalid input.');
    expect(() => poller(client(), odd({ store: new Map(), key: 5 }))).toThrow(`key: ${expected}`);
  });

  test('gets English messages about a page', async () => {
    setMessagesOfTheApplication();
    const { fake, client } = await serve();
    fake.failNext(listOf([], { has_next: 'no' }));
    await expect(client().page()).rejects.toThrow('has_next: Invalid input: expected boolean, received string');
  });

  test('gets English messages about an event', async () => {
    setMessagesOfTheApplication();
    const { fake, client } = await serve();
    fake.failNext(listOf([{ id: '', audit_action: 'branch.created', created_at: '' }]));
    await expect(client().page()).rejects.toThrow('id: Too small: expected string to have >=1 characters');
  });
});
