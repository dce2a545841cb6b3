import type { AuditPage, AuditSource } from '../audit-log/page.ts';
import { AuditApiError } from '../errors.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import type { HealthRecord } from './health.ts';
import { clockMessage, unreadableMessage } from './notice-messages.ts';
import type { PollNotice } from './notices.ts';
import type { ParsedPollerOptions } from './options.ts';
import type { TimedPage } from './scan-clock.ts';
import { ServerClock, type ServerTime } from './server-clock.ts';
import { isFirstReport } from './set-up.ts';
import type { Retry } from './stored-cursor.ts';

export interface PageReaderOptions extends Pick<ParsedPollerOptions, 'actions' | 'signal'> {
  readonly source: AuditSource;
  readonly key: string;
  readonly health: HealthRecord;
  readonly retry: Retry;
}

/** Reads the pages of PlanetScale's list, and its clock with them. */
export class PageReader {
  readonly #options: PageReaderOptions;
  readonly #clock = new ServerClock();
  /** An error of `onNotice` must not look like a failed request, so the notices wait here. */
  readonly #notices: PollNotice[] = [];
  #hasReadPage = false;
  #hasReportedClock = false;

  constructor(options: PageReaderOptions) {
    this.#options = options;
  }

  /** Returns what the pages since the last call had to report. */
  takeNotices(): PollNotice[] {
    return this.#notices.splice(0);
  }

  readonly serverNowMs = (): number => this.#clock.nowMs();

  /** The duration covers the last attempt only. Earlier attempts and their waits can take days. */
  readonly fetchPage = async (cursor: string | undefined): Promise<TimedPage> => {
    const { source, actions, signal, health, retry } = this.#options;
    try {
      const page = await retry(async () => {
        const startedAtMs = Date.now();
        const page = await source.page({ startingAfter: cursor, actions, signal });
        return { ...page, durationMs: Math.max(0, Date.now() - startedAtMs) }; // The local clock may have been set back.
      });
      this.#hasReadPage = true;
      health.pageRead();
      return { ...page, serverTime: this.#readClock(page) };
    } catch (error) {
      throw this.#hasReadPage ? error : await this.#nameCause(error);
    }
  };

  #readClock(page: AuditPage): ServerTime | undefined {
    const serverTime = this.#clock.read(page.servedAt);
    if (this.#clock.isInDoubt && !this.#hasReportedClock) {
      this.#hasReportedClock = true;
      this.#notices.push({ type: 'clock-skew', message: clockMessage(page.servedAt) });
    }
    const unreadable = page.events.find(({ created_at }) => parseTimestamp(created_at) === undefined);
    if (unreadable && isFirstReport(this.#options.key, 'unreadable-time')) {
      this.#notices.push({ type: 'unreadable-time', message: unreadableMessage(unreadable) });
    }
    return serverTime;
  }

  /**
   * Returns a 404 error with its cause, if the source can tell. PlanetScale gives one 404 for several mistakes of a set-up. Any other
   * error stays as it is.
   */
  async #nameCause(error: unknown): Promise<unknown> {
    if (!(error instanceof AuditApiError) || error.status !== 404 || error.fromIntermediary) return error;
    const { source, signal } = this.#options;
    try {
      const report = await source.verifyAccess?.({ signal });
      if (!report || report.ok || report.reason === 'unreachable') return error;
      return new AuditApiError(report.message, { status: error.status, code: error.code });
    } catch {
      signal?.throwIfAborted();
      return error;
    }
  }
}
