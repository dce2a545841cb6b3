import { describe, expect, test } from 'vitest';
import { leaks } from '../support/leaks.ts';
import { served } from '../support/programs.ts';
import { recordingWebhook, webhookSecret } from '../support/recording-webhook.ts';
import { runExample, slowly, startExample, temporaryDirectory, withClosedPipe } from './support.ts';

describe('examples/to-runreveal.ts', () => {
  test(
    'ends without an error when its reader closes the pipe',
    async () => {
      const webhook = await recordingWebhook();
      const env = { ...(await served(250)), RUNREVEAL_WEBHOOK_URL: webhook.url };
      expect(await withClosedPipe('to-runreveal.ts', env)).toEqual(['status 0']);
      expect(webhook.accepted.length).toBeGreaterThan(0);
    },
    slowly,
  );

  const sending = (env: Record<string, string>, until: string) =>
    runExample('to-runreveal.ts', { env, until: (output) => output.includes(until) });

  test(
    'retries the batch that RunReveal did not accept, and no other batch',
    async () => {
      const webhook = await recordingWebhook();
      const cursors = { CURSOR_DIRECTORY: await temporaryDirectory(), RUNREVEAL_WEBHOOK_URL: webhook.url };
      const env = { ...(await served(30)), ...cursors };

      webhook.answer({ status: 503, headers: { 'retry-after': '3600' } });
      const duringOutage = await sending(env, 'accepted');
      expect(duringOutage.code, duringOutage.output).toBe(1);
      expect(duringOutage.output).toContain('RunReveal answered 503');
      expect(leaks(duringOutage.output, webhookSecret)).toBe(false);
      expect(webhook.accepted).toEqual([]);

      const afterwards = await sending(env, 'accepted 30 event(s), up to 2026-11-01T00:00:29.000Z');
      expect(afterwards.code, afterwards.output).toBe(0);
      expect(webhook.received.map(({ body }) => body)).toEqual(Array(2).fill(webhook.received[0]?.body));

      const later = await sending({ ...(await served(33)), ...cursors }, 'up to 2026-11-01T00:00:32.000Z');
      expect(later.code, later.output).toBe(0);
      expect(webhook.accepted.map((event) => String(Object(event).eventTime).slice(17, 19))).toEqual(
        Array.from({ length: 33 }, (_, second) => String(second).padStart(2, '0')),
      );
    },
    slowly,
  );

  test(
    'exits soon after SIGTERM while the webhook hangs, and sends that batch on its next run',
    async () => {
      const webhook = await recordingWebhook();
      webhook.answer('hang');
      const env = {
        ...(await served(3)),
        CURSOR_DIRECTORY: await temporaryDirectory(),
        RUNREVEAL_WEBHOOK_URL: webhook.url,
      };
      const { child, ended } = startExample('to-runreveal.ts', { env });
      await expect.poll(() => webhook.received.length, { timeout: 60_000 }).toBe(1);
      const stoppedAt = performance.now();
      child.kill('SIGTERM');
      const { code, output } = await ended;
      // A second at most on a quiet machine. Without the signal, the request would take its timeout of 30 seconds.
      expect(performance.now() - stoppedAt).toBeLessThan(10_000);
      expect(code, output).toBe(0);
      expect(output).not.toContain('accepted');
      expect(output).not.toContain('AbortError');
      expect(webhook.accepted).toEqual([]);

      const afterwards = await sending(env, 'accepted 3 event(s)');
      expect(afterwards.code, afterwards.output).toBe(0);
      expect(webhook.received[1]?.body).toBe(webhook.received[0]?.body);
    },
    slowly,
  );

  test(
    'sends the events that examples/tail.ts has already printed, even if both share a cursor directory',
    async () => {
      const webhook = await recordingWebhook();
      const cursors = { CURSOR_DIRECTORY: await temporaryDirectory(), RUNREVEAL_WEBHOOK_URL: webhook.url };
      const env = { ...(await served(3)), ...cursors };
      await runExample('tail.ts', { env, until: (output) => output.includes('00:00:02.000Z') });
      await sending(env, 'accepted 3 event(s)');
      expect(webhook.accepted).toHaveLength(3);
    },
    slowly,
  );

  test('names the missing webhook URL and exits with an error', async () => {
    const { code, output } = await runExample('to-runreveal.ts', {
      env: { RUNREVEAL_WEBHOOK_URL: '' },
    });
    expect(code).not.toBe(0);
    expect(output).toContain("runRevealWebhook: url: must be the absolute URL on the source's page in RunReveal");
  });
});
