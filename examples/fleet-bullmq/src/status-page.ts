// The status page, at http://127.0.0.1:8080. It shows names and errors of your customers: put your own log-in before it.
import { createServer } from 'node:http';
import { statusPort } from './config.ts';
import { redis } from './redis.ts';
import { readStatus } from './state.ts';
import { statusHtml } from './status-html.ts';

await redis.connect();

const server = createServer(async (request, response) => {
  if (request.url !== '/') return void response.writeHead(404).end();
  try {
    const html = statusHtml(await readStatus());
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  } catch (error) {
    console.error(String(error));
    response.writeHead(503).end('The status cannot be read. The log says why.');
  }
});
server.listen(statusPort, '127.0.0.1');
