import { text } from 'node:stream/consumers';
import type { ClickHouse } from './clickhouse.ts';
import { serveRaw } from './served.ts';

/** Serves ClickHouse's HTTP interface until the test ends, for statements that return no rows. */
export async function serveOverHttp(clickHouse: ClickHouse): Promise<string> {
  const url = await serveRaw(async (request, response) => {
    const statement = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams.get('query') ?? '';
    try {
      clickHouse.query(`${statement}\n${await text(request)}`);
      response.end();
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : '');
    }
  });
  return new URL(url).origin;
}
