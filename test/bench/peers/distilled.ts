import { Credentials } from '@distilled.cloud/planetscale';
import { listAuditLogs } from '@distilled.cloud/planetscale/Operations';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import * as Redacted from 'effect/Redacted';
import * as FetchHttpClient from 'effect/unstable/http/FetchHttpClient';
import type { ReadList } from '../rows/http.ts';
import { credentials, organization, pageSize } from '../sample-log.ts';

/** It validates each page, and rejects a null `actor_display_name`. */
export const read: ReadList = (serverUrl) => {
  const config = {
    tokenId: Redacted.make(credentials.serviceTokenId),
    token: Redacted.make(credentials.serviceToken),
    organization,
    apiBaseUrl: `${serverUrl}/v1`,
  };
  const program = Effect.gen(function* () {
    let events = 0;
    let page = yield* listAuditLogs({ organization, limit: pageSize });
    for (events += page.data.length; page.has_next; events += page.data.length) {
      page = yield* listAuditLogs({ organization, limit: pageSize, starting_after: page.cursor_end ?? '' });
    }
    return events;
  });
  const live = Layer.mergeAll(FetchHttpClient.layer, Layer.succeed(Credentials, Effect.succeed(config)));
  return Effect.runPromise(Effect.provide(program, live));
};
