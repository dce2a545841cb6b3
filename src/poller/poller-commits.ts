import { type CreateCommitter, handOut } from './committer.ts';
import { InFlightBatch } from './in-flight-batch.ts';

/** The poller saves the cursor itself, after the consumer has acknowledged the events. */
export const pollerCommits: CreateCommitter<InFlightBatch> = ({ cursor, health }) => ({
  async *deliver({ events, commit, reportOverflow }) {
    const inFlight = new InFlightBatch(events);
    try {
      yield* handOut(inFlight, health);
    } finally {
      if (inFlight.acknowledgedCount > 0) {
        cursor.stage(commit(inFlight.acknowledgedCount));
        await reportOverflow();
      }
    }
    await cursor.save();
  },
  /** Saves the events that were acknowledged last. */
  close: () => cursor.flush(),
});
