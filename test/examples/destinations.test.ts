import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { openClickHouse } from '../support/clickhouse.ts';
import { serveOverHttp } from '../support/clickhouse-http.ts';
import { leaks } from '../support/leaks.ts';
import { environmentOf, hostileNames, lines, served } from '../support/programs.ts';
import { webhookSecret } from '../support/recording-webhook.ts';
import { idsOf, numbered, serve, serveRaw } from '../support/served.ts';
import { everyEvent, runExample, runExampleSuccessfully, runTwice, slowly, temporaryDirectory } from './support.ts';

test(
  'examples/to-ndjson.ts appends every event once, as one line that is the exact JSON of the event, over two runs',
  async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'audit.ndjson');
    await runTwice('to-ndjson.ts', { NDJSON_FILE: file, CURSOR_DIRECTORY: directory });
    const events = lines(await readFile(file, 'utf8')).map((line) => JSON.parse(line));
    expect(idsOf(events)).toEqual(everyEvent());
    if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600);
  },
  slowly,
);

describe('examples/to-clickhouse.ts', () => {
  const clickHouse = openClickHouse();
  afterAll(() => clickHouse.close());

  test(
    'creates the table in a ClickHouse over HTTP, and inserts every event once, over two runs',
    async () => {
      const env = { CLICKHOUSE_URL: await serveOverHttp(clickHouse), CURSOR_DIRECTORY: await temporaryDirectory() };
      await runTwice('to-clickhouse.ts', env);
      const rows = clickHouse.rows('SELECT eventID, sourceID FROM runreveal.planetscale_logs ORDER BY eventID');
      expect(rows).toEqual(everyEvent().map((id) => ({ eventID: id, sourceID: 'acme' })));
    },
    slowly,
  );
});

describe('examples/to-cef.ts', () => {
  test(
    'prints every new event as a line of CEF, over two runs',
    async () => {
      const env = { CURSOR_DIRECTORY: await temporaryDirectory() };
      const runOnce = async (count: number) =>
        lines(await runExampleSuccessfully('to-cef.ts', { env: { ...(await served(count)), ...env } })).filter((line) =>
          line.startsWith('CEF:'),
        );
      expect(await runOnce(250)).toHaveLength(250);
      const later = await runOnce(252);
      expect(later.map((line) => line.replace(/ (?:suid|suser)=.*/, ''))).toEqual([
        'CEF:0|PlanetScale|audit-log|1|database_branch.created|database_branch.created|3|rt=1793491450000 externalId=event0000250',
        'CEF:0|PlanetScale|audit-log|1|database_branch.created|database_branch.created|3|rt=1793491451000 externalId=event0000251',
      ]);
    },
    slowly,
  );

  test(
    'escapes the characters that would end a field or a line, and leaves out what the event lacks',
    async () => {
      const event = {
        audit_action: 'service_token.token_leaked|9',
        created_at: 'yesterday',
        actor_id: null,
        actor_display_name: 'a=b\\c\nCEF:0|forged',
        target_type: null,
        remote_ip: null,
      };
      const env = { ...(await served(1, [event])), CURSOR_DIRECTORY: await temporaryDirectory() };
      const output = await runExampleSuccessfully('to-cef.ts', { env });
      expect(lines(output).filter((line) => line.startsWith('CEF:'))).toEqual([
        String.raw`CEF:0|PlanetScale|audit-log|1|service_token.token_leaked\|9|service_token.token_leaked\|9|3|` +
          String.raw`externalId=event0000000 suser=a\=b\\c\\u000aCEF:0|forged cs1Label=organization cs1=acme`,
      ]);
    },
    slowly,
  );
});

describe('examples/alert-slack.ts', () => {
  const leak = { ...numbered(1)[0], id: 'leak', audit_action: 'service_token.token_leaked', ...hostileNames };

  /** A Slack that answers with the status of the moment, and an organization whose events have just happened. */
  const setUp = async () => {
    const messages: string[] = [];
    const slack = { status: 200 };
    const url = await serveRaw(async (request, response) => {
      const body = await text(request);
      if (slack.status === 200) messages.push(JSON.parse(body).text);
      response.writeHead(slack.status).end(slack.status === 200 ? 'ok' : 'no_service');
    });
    const { fake, url: apiUrl } = await serve({ now: () => new Date() });
    const add = (id: string, audit_action: string) =>
      fake.add({
        ...leak,
        id,
        audit_action,
        created_at: new Date().toISOString(),
        target_display_name: '<!channel>',
        remote_ip: '203.0.113.24',
      });
    const env = {
      ...environmentOf(apiUrl),
      SLACK_WEBHOOK_URL: `${url}/${webhookSecret}`,
      CURSOR_DIRECTORY: await temporaryDirectory(),
    };
    return { messages, slack, add, env };
  };

  test(
    'posts each leak and each change of single sign-on of the last day once, and no other event',
    async () => {
      const { messages, add, env } = await setUp();
      add('first', 'service_token.token_leaked');
      add('second', 'database.created');
      add('third', 'organization.disabled_sso');
      await runExampleSuccessfully('alert-slack.ts', { env, until: (output) => output.includes('posted third') });
      add('fourth', 'database_branch_password.password_leaked');
      await runExampleSuccessfully('alert-slack.ts', { env, until: (output) => output.includes('posted fourth') });
      expect(messages.map((message) => message.replace(/ at .*/, ''))).toEqual(
        ['service_token.token_leaked', 'organization.disabled_sso', 'database_branch_password.password_leaked'].map(
          (action) =>
            String.raw`:rotating_light: ${action} on &lt;!channel&gt; by \u001b[2J\u202eada from 203.0.113.24`,
        ),
      );
    },
    slowly,
  );

  test(
    'posts a message that Slack refused again on its next run, and never prints the URL of the webhook',
    async () => {
      const { messages, slack, add, env } = await setUp();
      add('first', 'service_token.token_leaked');
      slack.status = 500;
      const refused = await runExample('alert-slack.ts', { env });
      expect(refused.code, refused.output).toBe(1);
      expect(refused.output).toContain('Slack answered 500 (no_service)');
      expect(leaks(refused.output, webhookSecret)).toBe(false);
      slack.status = 200;
      await runExampleSuccessfully('alert-slack.ts', { env, until: (output) => output.includes('posted first') });
      expect(messages).toHaveLength(1);
    },
    slowly,
  );

  test.each(['', `hooks.example.com/${webhookSecret}`])('names the variable if its URL is "%s"', async (url) => {
    const { code, output } = await runExample('alert-slack.ts', { env: { SLACK_WEBHOOK_URL: url } });
    expect(code).toBe(1);
    expect(output).toContain('SLACK_WEBHOOK_URL is no URL');
    expect(leaks(output, webhookSecret)).toBe(false);
  });
});
