import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext, runInThisContext } from 'node:vm';
import { PlanetScaleAuditClient } from 'planetscale-audit';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { collect, credentials, failure, numbered, serve, serveRaw } from '../support/served.ts';

const clientOf = (baseUrl: string, options = {}) =>
  new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl, retries: 0, ...options });

const listening = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port; // It listens on a port, not on a pipe.
};

/** The outcome of a first page in a process of its own, as Node reads these variables only when it starts. */
const pageInProcess = async (baseUrl: string, env: Record<string, string>, ...flags: readonly string[]) => {
  const program = `
    import { PlanetScaleAuditClient } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)};
    const client = new PlanetScaleAuditClient(${JSON.stringify({ organization: 'acme', ...credentials, baseUrl, retries: 0 })});
    const outcome = await client.page().catch(({ name, message, retryable }) => ({ name, message, retryable }));
    console.log(JSON.stringify(outcome));
    process.exit();`;
  const args = [...flags, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH, ...env } });
  return JSON.parse(stdout);
};

describe('a 407', () => {
  test('from the server itself names the login to a proxy', async () => {
    const url = await serveRaw((_, response) => void response.writeHead(407).end('<html>Log in</html>'));
    const error = await failure(clientOf(url).page());
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error).toHaveProperty('message', expect.stringMatching(/\(fetch failed\)\. .*407.*HTTPS_PROXY/));
  });

  test('that a custom fetch lets through is an AuditApiError of an intermediary', async () => {
    const fetch = async () => new Response('<html>Log in</html>', { status: 407 });
    const error = await failure(clientOf('https://example.com', { fetch }).page());
    expect(error).toMatchObject({ name: 'AuditApiError', status: 407, fromIntermediary: true, retryable: false });
  });
});

describe('a proxy under NODE_USE_ENV_PROXY=1', () => {
  const refusingProxy = async (status: number): Promise<string> => {
    const proxy = createServer();
    proxy.on('connect', (_, socket) => {
      socket.on('error', () => {}).end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    });
    return `http://127.0.0.1:${await listening(proxy)}`;
  };

  test.each([
    [407, 'The proxy asks for a login. Put a user and a password into the URL of HTTPS_PROXY'],
    [403, 'The proxy refuses to connect to this host.'],
    [405, 'The proxy refuses to connect to this host.'],
    [502, 'Check the network, the DNS and any proxy.'],
    [503, 'Check the network, the DNS and any proxy.'],
    [504, 'Check the network, the DNS and any proxy.'],
  ])('that answers %s to CONNECT is named with its status and a remedy', async (status, hint) => {
    const HTTPS_PROXY = await refusingProxy(status);
    const error = await pageInProcess('https://api.planetscale.com/v1', { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY });
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error.message).toContain(
      `(UND_ERR_ABORTED: Proxy response (${status}) !== 200 when HTTP Tunneling). ${hint}`,
    );
  });

  test('that does not listen is named with its address, and without its password', async () => {
    const HTTPS_PROXY = 'http://user:hunter2secret@127.0.0.1:9';
    const error = await pageInProcess('https://api.planetscale.com/v1', { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY });
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error.message).toContain('(connect ECONNREFUSED 127.0.0.1:9)');
    expect(error.message).not.toContain('hunter2secret');
  });
});

describe('a certificate', () => {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });

  /** Makes a self-signed certificate, and returns its path. */
  const certificate = (name: string, host: string, days: number): string => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
    openssl('req', ...key, '-out', `${name}.csr`, '-subj', `/CN=${host}`, '-addext', `subjectAltName=${host}`);
    const sign = ['-signkey', `${name}.key`, '-days', String(days), '-copy_extensions', 'copy'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...sign, '-out', `${name}.crt`);
    return join(directory, `${name}.crt`);
  };

  const serveTls = async (path: string): Promise<string> => {
    const server = createTlsServer(
      { cert: readFileSync(path), key: readFileSync(path.replace(/crt$/, 'key')) },
      (_, response) => void response.end('{"data":[],"has_next":false,"cursor_end":null}'),
    );
    return `https://127.0.0.1:${await listening(server)}/v1`;
  };

  test.each([
    ['that is self-signed', 'IP:127.0.0.1', 1, false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['that has expired', 'IP:127.0.0.1', -1, true, 'CERT_HAS_EXPIRED'],
    ['for another name', 'DNS:example.org', 1, true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('%s is named by its code, with NODE_EXTRA_CA_CERTS', async (_, host, days, isTrusted, code) => {
    const path = certificate(code, host, days);
    const error = await pageInProcess(await serveTls(path), isTrusted ? { NODE_EXTRA_CA_CERTS: path } : {});
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error.message).toContain(`(${code}: `);
    expect(error.message).toContain('set NODE_EXTRA_CA_CERTS to the file of its CA certificate.');
  });

  test('is accepted once NODE_EXTRA_CA_CERTS names it', async () => {
    const path = certificate('trusted', 'IP:127.0.0.1', 1);
    expect(await pageInProcess(await serveTls(path), { NODE_EXTRA_CA_CERTS: path })).toMatchObject({ events: [] });
  });
});

describe('a status of 400 or more', () => {
  const texts = ['<!DOCTYPE html><title>Blocked</title>', 'Access denied by policy', '{"code":', 'null and void'];

  test.each([401, 403, 404, 407, 503].flatMap((status) => texts.map((body) => [status, body] as const)))(
    'is said to come from a proxy or a firewall if its body is text: %s %j',
    async (status, body) => {
      const fetch = async () => new Response(body, { status });
      const error = await failure(clientOf('https://example.com', { fetch }).page());
      expect(error).toMatchObject({ name: 'AuditApiError', status, fromIntermediary: true, retryable: status === 503 });
      const message = `A proxy or a firewall between this machine and PlanetScale has probably answered ${status} to GET /organizations/acme/audit-log, since the body is not JSON. Check the proxy settings and baseUrl.`;
      expect(error).toHaveProperty('message', message);
    },
  );

  const bodies = ['', ' \n', '{}', '[]', 'null', '"text"', '{"code":"forbidden"}'];
  test.each([401, 403, 404, 503].flatMap((status) => bodies.map((body) => [status, body] as const)))(
    "is PlanetScale's if its body is empty or JSON: %s %j",
    async (status, body) => {
      const { client, fake } = await serve();
      fake.failNext({ status, body });
      const error = await failure(client().page());
      expect(error).toMatchObject({ name: 'AuditApiError', status, fromIntermediary: false });
      expect(error).toHaveProperty('message', expect.stringContaining(`PlanetScale answered ${status}`));
    },
  );

  test.each([{ code: ' ' }, { message: '\n' }, { code: '\t', message: ' ' }])(
    'leaves no empty parentheses for a body that holds nothing but white space: %j',
    async (body) => {
      const { client, fake } = await serve();
      fake.failNext({ status: 400, body });
      const error = await failure(client().page());
      expect(error).toMatchObject({ code: undefined });
      expect(error).toHaveProperty('message', 'PlanetScale answered 400 to GET /organizations/acme/audit-log.');
    },
  );

  test("keeps the Retry-After of an intermediary's 503", async () => {
    const fetch = async () => new Response('<html>', { status: 503, headers: { 'retry-after': '7' } });
    const error = await failure(clientOf('https://example.com', { fetch }).page());
    expect(error).toMatchObject({ fromIntermediary: true, retryAfterMs: 7000, retryable: true });
  });
});

/** What the fetch of each runtime throws, as Node 24, Deno 2.9 and Bun 1.4 do. */
const withCode = (error: Error, code: string): Error => Object.assign(error, { code });
const notCapable = Object.assign(
  new Error('Requires net access to "api.planetscale.com:443", run again with the --allow-net flag'),
  { name: 'NotCapable' },
);
const foreign = { name: 'TypeError', message: 'x is not a function' }; // Of another realm, so no instance of Error.

describe('an error that fetch throws', () => {
  test.each([
    ['a method that is missing', new TypeError('AbortSignal.any is not a function'), false],
    ['a mistake in a wrapper of another realm', foreign, false],
    ['a variable that is missing', new ReferenceError('x is not defined'), false],
    ['a recursion without an end', new RangeError('Maximum call stack size exceeded'), false],
    ['an invalid pattern', new SyntaxError('Invalid regular expression: /(/: Unterminated group'), false],
    ['an answer that a wrapper could not parse', new SyntaxError('Unexpected end of JSON input'), true],
    ['an invalid URL', withCode(new TypeError('Invalid URL'), 'ERR_INVALID_URL'), false],
    ['a port that fetch blocks, in Node', new TypeError('fetch failed', { cause: new Error('bad port') }), false],
    ['a port that fetch blocks, in Deno', new TypeError('Fetch failed: Requests to port 1 are blocked'), false],
    ['a protocol that fetch lacks', new TypeError('fetch failed', { cause: new Error('unknown scheme') }), false],
    ["a refusal by Deno's permissions", notCapable, false],
    [
      "a refusal by Node's permissions",
      new TypeError('fetch failed', {
        cause: withCode(new Error('Access to this API has been restricted'), 'ERR_ACCESS_DENIED'),
      }),
      false,
    ],
    [
      'a lost connection, in Node',
      new TypeError('fetch failed', { cause: withCode(new Error('read'), 'ECONNRESET') }),
      true,
    ],
    [
      'a body that breaks off, in Node',
      new TypeError('terminated', { cause: withCode(new Error('closed'), 'UND_ERR_SOCKET') }),
      true,
    ],
    [
      'a lost connection, in Deno',
      new TypeError('error sending request for url (https://example.com): connection reset'),
      true,
    ],
    ['a body that breaks off, in Deno', new TypeError('error reading a body from connection'), true],
    ['a refused connection, in Bun', withCode(new TypeError('Unable to connect'), 'ECONNREFUSED'), true],
    ['a lost connection, in Chrome', new TypeError('Failed to fetch'), true],
    ['an error of a wrapper', new Error('circuit open'), true],
    ['text', 'offline', true],
    ['an error without a message', new Error(), true],
    ['an empty object', {}, true],
    ['undefined', undefined, true],
  ])('is retryable if it may pass: %s', async (_, thrown, retryable) => {
    let requests = 0;
    const fetch = async () => {
      requests++;
      throw thrown;
    };
    const error = await failure(clientOf('https://example.com', { fetch, retries: 1 }).page());
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable });
    expect(requests).toBe(retryable ? 2 : 1);
    expect(String(error)).not.toMatch(/\(\s*\)/);
  });

  test.each([
    'new ReferenceError("x is not defined")',
    'new RangeError("Maximum call stack size exceeded")',
    'new TypeError("x is not a function")',
    'new URIError("URI malformed")',
  ])('of a program points to the fetch function, and not to the network, in any realm: %s', async (code) => {
    for (const thrown of [runInNewContext(code), runInThisContext(code)]) {
      const fetch = async () => {
        throw thrown;
      };
      const error = await failure(clientOf('https://example.com', { fetch }).page());
      expect(error).toHaveProperty('retryable', false);
      expect(error).toHaveProperty('message', expect.stringMatching(/Check the fetch function\.$/));
    }
  });

  test.each([
    ["Deno's permissions", notCapable],
    ["Node's permissions", withCode(new Error('Access to this API has been restricted'), 'ERR_ACCESS_DENIED')],
  ])('names --allow-net after a refusal by %s', async (_, cause) => {
    const fetch = async () => {
      throw cause;
    };
    const error = await failure(clientOf('https://example.com', { fetch }).page());
    expect(error).toHaveProperty(
      'message',
      expect.stringContaining('Start Node or Deno with --allow-net for the host.'),
    );
  });

  test.each([
    ['new TypeError("fetch failed", { cause: refused })', 'connect ECONNREFUSED 127.0.0.1:443'],
    ['refused', 'connect ECONNREFUSED 127.0.0.1:443'],
    ['new AggregateError([refused], "")', 'connect ECONNREFUSED 127.0.0.1:443'],
    ['Object.assign(new Error("socket gone"), { code: "UND_ERR_SOCKET" })', 'UND_ERR_SOCKET: socket gone'],
  ])('keeps its code and its message if it is of another realm, as under Jest: %s', async (code, quoted) => {
    const refused = 'Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:443"), { code: "ECONNREFUSED" })';
    const fetch = async () => {
      throw runInNewContext(`const refused = ${refused}; ${code}`);
    };
    const error = await failure(clientOf('https://example.com', { fetch }).page());
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error).toHaveProperty('message', expect.stringContaining(`(${quoted})`));
  });

  test('is quoted without the line feed at its end', async () => {
    const fetch = async () => {
      throw new TypeError('fetch failed', { cause: withCode(new Error('wrong version number\n'), 'ERR_SSL_WRONG') });
    };
    const error = await failure(clientOf('https://example.com', { fetch }).page());
    expect(error).toHaveProperty('message', expect.stringContaining('(ERR_SSL_WRONG: wrong version number).'));
  });

  test.each([
    ['an error', new Error(' \n')],
    ['a text', ' '],
    ['an empty text', ''],
    ['a cause', new TypeError('fetch failed', { cause: new Error('\u00a0') })],
  ])('that says nothing but white space leaves no empty parentheses: %s', async (_, thrown) => {
    const fetch = async () => {
      throw thrown;
    };
    const error = await failure(clientOf('https://example.com', { fetch }).page());
    expect(error).toHaveProperty('message', expect.stringMatching(/\((no reason given|fetch failed)\)\./));
  });

  test('is quoted with the code and the message of the innermost cause', async () => {
    const fetch = async () => {
      throw new TypeError('fetch failed', {
        cause: new AggregateError(
          [withCode(new Error('connect EHOSTUNREACH ::1:443'), 'EHOSTUNREACH'), new Error('other')],
          '',
        ),
      });
    };
    const error = await failure(clientOf('https://example.com', { fetch }).page());
    expect(error).toHaveProperty(
      'message',
      'PlanetScale gave no complete response to GET /organizations/acme/audit-log (connect EHOSTUNREACH ::1:443). Check the network, the DNS and any proxy.',
    );
  });
});

test('a runtime without AbortSignal.any can read pages, with a signal or without', async () => {
  const { client } = await serve({ events: numbered(30) });
  const { any } = AbortSignal;
  onTestFinished(() => {
    AbortSignal.any = any;
  });
  Object.assign(AbortSignal, { any: undefined });
  const { signal } = new AbortController();
  expect((await client().page()).events).toHaveLength(30);
  expect(await collect(client().events({ signal }))).toHaveLength(30);
});
