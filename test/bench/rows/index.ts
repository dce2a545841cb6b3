import type { Row } from '../row.ts';
import { backlog, lookback } from './backlog.ts';
import { bundles } from './bundles.ts';
import { fileStore } from './file-store.ts';
import { formats } from './formats.ts';
import { http } from './http.ts';
import { importTime } from './import-time.ts';
import { latency } from './latency.ts';
import { manyPollers } from './many-pollers.ts';
import { million } from './million.ts';
import { busyPoll, idlePoll } from './polls.ts';
import { keptEvent, readPage } from './reading.ts';

/** All rows, in the order of the report. */
export const rows: readonly Row[] = [
  readPage,
  keptEvent,
  ...formats,
  http,
  latency,
  million,
  backlog,
  lookback,
  idlePoll,
  busyPoll,
  manyPollers,
  fileStore,
  importTime,
  bundles,
];
