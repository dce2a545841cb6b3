import type { AuditEvent } from '../../audit-log/event.ts';
import { AuditConfigError } from '../../errors.ts';

/**
 * Options of {@link fakePlanetScale}. Some behavior of PlanetScale is not documented. An option selects it, so that you can test
 * your code against each response that PlanetScale may give.
 */
export interface FakePlanetScaleOptions {
  /**
   * The name of the only organization.
   *
   * @default 'acme'
   */
  readonly organization?: string;

  /**
   * The ID in the only accepted credential, `Authorization: ID:TOKEN`.
   *
   * @default 'faketokenid1'
   */
  readonly serviceTokenId?: string;

  /**
   * The token in the only accepted credential. The fake also accepts it as an access token, `Authorization: Bearer TOKEN`.
   *
   * @default 'pscale_tkn_fake'
   */
  readonly serviceToken?: string;

  /**
   * The first events, in the form that {@link FakePlanetScale.add} accepts, newest last. Pass hundreds of thousands of events
   * here, because a call of `add` cannot take that many arguments.
   *
   * @default []
   */
  readonly events?: readonly Partial<AuditEvent>[];

  /**
   * Whether the list follows `created_at` or the order of adding. With `'created'` an event added with an older `created_at` than
   * the others appears below them, as a late event. An event whose `created_at` is no date counts as created when it was added.
   * Events of the same instant follow the order of adding.
   *
   * @default 'created'
   */
  readonly order?: 'added' | 'created';

  /**
   * The maximum number of events on a page, whatever `limit` asks for. Without a `limit` a page has 25 events, or `pageSize` if
   * that is fewer.
   *
   * @default 100
   */
  readonly pageSize?: number;

  /**
   * The clock of the server. It sets the `created_at` of events added without one, and the `Date` header.
   *
   * @default () => new Date()
   */
  readonly now?: () => Date;

  /**
   * The meaning of `ending_before=X`, which PlanetScale does not document. `'nearest'` gives the events directly newer than X.
   * `'newest'` gives the newest page without the events that are not newer than X. `'ignored'` gives the newest page. The fake
   * always ignores `ending_before` beside `starting_after`.
   *
   * @default 'nearest'
   */
  readonly endingBefore?: 'nearest' | 'newest' | 'ignored';

  /**
   * The response to a cursor that is no event's id or the id of a removed event, which PlanetScale does not document.
   * `'not-found'` gives a 404. `'empty'` gives a page with no events, null cursors and `has_next: false`. `'first-page'` gives
   * the newest page.
   *
   * @default 'not-found'
   */
  readonly unknownCursor?: 'not-found' | 'empty' | 'first-page';

  /**
   * Whether `filters[]=audit_action:x` has an effect. PlanetScale's Go client sends this parameter, and its API reference does not
   * mention it. With `'honoured'` the pages, flags and cursors are those of the filtered list.
   *
   * @default 'honoured'
   */
  readonly filters?: 'honoured' | 'ignored';

  /**
   * The status of the audit log for a token that lacks `read_audit_logs`. Most users report a 404. Without this option the token
   * has the permission.
   *
   * @default undefined
   */
  readonly missingPermissionStatus?: 403 | 404;
}

export const optionKeys: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'organization',
  'serviceTokenId',
  'serviceToken',
  'events',
  'order',
  'pageSize',
  'now',
  'endingBefore',
  'unknownCursor',
  'filters',
  'missingPermissionStatus',
] satisfies (keyof FakePlanetScaleOptions)[]);

export type ResolvedOptions = ReturnType<typeof resolveOptions>;

export const resolveOptions = ({
  organization = 'acme',
  serviceTokenId = 'faketokenid1',
  serviceToken = 'pscale_tkn_fake',
  events = [],
  order = 'created',
  pageSize = 100,
  now = () => new Date(),
  endingBefore = 'nearest',
  unknownCursor = 'not-found',
  filters = 'honoured',
  missingPermissionStatus,
}: FakePlanetScaleOptions) => {
  if (!Number.isInteger(pageSize) || pageSize < 1) {
    throw new AuditConfigError(
      `fakePlanetScale received an invalid pageSize (${pageSize}). Pass a whole number of at least 1.`,
    );
  }
  return {
    organization,
    serviceTokenId,
    serviceToken,
    events,
    order,
    pageSize,
    now,
    endingBefore,
    unknownCursor,
    filters,
    missingPermissionStatus,
  };
};
