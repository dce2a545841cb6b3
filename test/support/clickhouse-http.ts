import { text } from 'node:stream/consumers';
import type { ClickHouse } from './clickhouse.ts';
import { serveRaw } from './served.ts';

const quoted = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;

/** Serves ClickHouse's HTTP interface until the test ends, for statements with or without parameters. */
export async function serveOverHttp(clickHouse: ClickHouse): Promise<string> {
  const url = await serveRaw(async (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    try {
      for (const [name, value] of searchParams) {
        if (name.startsWith('param_')) clickHouse.query(`SET ${name} = ${quoted(value)}`);
      }
      response.end(clickHouse.text(`${searchParams.get('query') ?? ''}\n${await text(request)}`));
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : '');
    }
  });
  return new URL(url).origin;
}
