/** A made-up audit log. Event `n` is the `n`-th oldest. An event is made from its number alone, so no log is too long for memory. */
export interface SampleLog {
  /** The number of events. */
  readonly length: number;
  /** The `created_at` of event 0. */
  readonly firstMs: number;
  /** The time between two events. */
  readonly stepMs: number;
}

export const pageSize = 100;
export const eventBytes = 558;
export const organization = 'acme';
export const credentials = { serviceTokenId: 'faketokenid1', serviceToken: 'pscale_tkn_fake' };

const hourMs = 3_600_000;

/** Returns a log whose newest event is an hour old, as if nobody had done anything since. */
export const quietLog = (length: number, stepMs = 600): SampleLog => ({
  length,
  stepMs,
  firstMs: Date.now() - hourMs - length * stepMs,
});

export const idOf = (n: number): string => `e${n.toString(36).padStart(11, '0')}`;
export const numberOf = (id: string): number => Number.parseInt(id.slice(1), 36);
export const createdAt = ({ firstMs, stepMs }: SampleLog, n: number): string =>
  new Date(firstMs + n * stepMs).toISOString();

/** The numbers of one page, newest first: those below `cursor`, or the newest. */
export interface PageRange {
  readonly newest: number;
  readonly oldest: number;
}

export function pageRange({ length }: SampleLog, cursor: string | null | undefined, limit = pageSize): PageRange {
  const newest = (cursor ? numberOf(cursor) : length) - 1;
  return { newest, oldest: Math.max(newest - limit + 1, 0) };
}

/** Returns the events of a page as the text of a JSON array. */
export function eventsText(log: SampleLog, { newest, oldest }: PageRange): string {
  const texts: string[] = [];
  for (let n = newest; n >= oldest; n--) {
    const [start, toCreated, toUpdated, end] = templates[n % templates.length] ?? [];
    const time = createdAt(log, n);
    texts.push(`${start}${idOf(n)}${toCreated}${time}${toUpdated}${time}${end}`);
  }
  return `[${texts.join()}]`;
}

/** Returns a page as PlanetScale sends it. */
export function pageText(log: SampleLog, cursor?: string | null, limit?: number): string {
  const range = pageRange(log, cursor, limit);
  return envelope(log, range, eventsText(log, range));
}

const envelope = ({ length }: SampleLog, { newest, oldest }: PageRange, data: string): string =>
  `{"type":"list","has_next":${oldest > 0},"has_prev":${newest < length - 1},"cursor_start":"${idOf(newest)}","cursor_end":"${idOf(oldest)}","data":${data}}`;

/** Returns a page of the given size without events. A long string that nobody reads takes their place. */
export const pageTextWithoutEvents = (bytes: number): string => {
  const text = (padding: string) =>
    `{"type":"list","has_next":false,"has_prev":false,"cursor_start":null,"cursor_end":null,"data":[],"padding":"${padding}"}`;
  return text('x'.repeat(bytes - text('').length));
};

const people = ['Ada Example', 'Grace Sample', 'alan@example.com', 'Katherine Placeholder', 'deploy-bot'];
const places = ['Chicago, IL', 'Los Angeles, CA', 'Frankfurt am Main, HE', 'Sydney, NSW', 'Dublin, L'];
const subjects = [
  ['deploy_request.queued', 'DeployRequest', 'deploy request #102'],
  ['deploy_request.closed', 'DeployRequest', 'deploy request #87'],
  ['database_branch.created', 'DatabaseBranch', 'add-orders-index'],
  ['database_branch.deleted', 'DatabaseBranch', 'fix-user-locale'],
  ['database_branch_password.created', 'DatabaseBranchPassword', 'staging-reader'],
  ['branch.open_web_console', 'DatabaseBranch', 'main'],
  ['service_token.granted_access', 'ServiceToken', 'ci-deployments'],
] as const;

const idMark = '_'.repeat(idOf(0).length);
const timeMark = '@'.repeat(new Date(0).toISOString().length);
const branch = 'add-name-to-service-tokens-and-to-deploy-requests-of-the-last-hundred-days';

/** Returns the text of an event of exactly {@link eventBytes} bytes, split at its id and its two times. */
const template = (slot: number): readonly string[] => {
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[slot % items.length];
  const [audit_action = '', auditable_type, auditable_display_name] = pick(subjects) ?? [];
  const text = (from: string) =>
    JSON.stringify({
      id: idMark,
      actor_id: `d4hkujnk${String(slot % 20).padStart(4, '0')}`,
      actor_type: slot % 5 === 4 ? 'ServiceToken' : 'User',
      actor_display_name: pick(people),
      auditable_id: `kbog8qlq${String(slot).padStart(4, '0')}`,
      auditable_type,
      auditable_display_name,
      target_id: 'm40xz7x6gvvk',
      target_type: 'Database',
      target_display_name: 'orders',
      location: pick(places),
      remote_ip: slot % 4 === 3 ? `2001:db8::${slot.toString(16)}` : `203.0.113.${slot}`,
      metadata: { from, into: 'main' },
      audit_action,
      action: audit_action.split('.')[1],
      created_at: timeMark,
      updated_at: timeMark,
    });
  return text(branch.slice(0, eventBytes - text('').length)).split(new RegExp(`${idMark}|${timeMark}`));
};

const templates = Array.from({ length: pageSize }, (_, slot) => template(slot));
