import { actionVerb, readVerbs } from '../audit-log/derived-fields.ts';
import type { AuditEvent } from '../audit-log/event.ts';

/** The activities of Entity Management that audit actions map to. OCSF has others, such as moving, enrolling and suspending. */
const activityIds = {
  Create: 1,
  Read: 2,
  Update: 3,
  Delete: 4,
  Enable: 8,
  Disable: 9,
  Activate: 10,
  Deactivate: 11,
  Other: 99,
} as const;

type ActivityCaption = keyof typeof activityIds;

/**
 * The activity for each first word of a verb. `updated_cluster_size` is therefore an update. Every other verb is `Other`. That
 * covers actions that leave the object as it is, such as a leak or a sign-in, and verbs that PlanetScale adds later.
 */
const captions: ReadonlyMap<string, ActivityCaption> = /* @__PURE__ */ (() =>
  new Map<string, ActivityCaption>([
    ['created', 'Create'],
    ['updated', 'Update'],
    ['added', 'Update'],
    ['removed', 'Update'],
    ['joined', 'Update'],
    ['left', 'Update'],
    ['granted', 'Update'],
    ['approved', 'Update'],
    ['closed', 'Update'],
    ['queued', 'Update'],
    ['unqueued', 'Update'],
    ['requested', 'Update'],
    ['deleted', 'Delete'],
    ['enabled', 'Enable'],
    ['disabled', 'Disable'],
    ['started', 'Activate'],
    ['finished', 'Deactivate'],
    ...readVerbs.map((verb) => [verb, 'Read'] as const),
  ]))();

/** An activity of OCSF's class Entity Management. */
export interface OcsfActivity {
  readonly id: number;
  readonly caption: string;
  /** The caption, or the verb of the action if the caption is `Other`. */
  readonly name: string;
}

/** Returns the activity of an event. */
export function ocsfActivity(event: AuditEvent): OcsfActivity {
  const verb = actionVerb(event);
  const wordEnd = verb.indexOf('_');
  const caption = captions.get(wordEnd === -1 ? verb : verb.slice(0, wordEnd)) ?? 'Other';
  return { id: activityIds[caption], caption, name: caption === 'Other' ? verb : caption };
}

const informational = { id: 1, caption: 'Informational' };
const low = { id: 2, caption: 'Low' };
const high = { id: 4, caption: 'High' };

/** Returns the severity of an event. OCSF defines High as "Action is required immediately" and Low as "The user decides if action is needed". */
export function ocsfSeverity(event: AuditEvent): { readonly id: number; readonly caption: string } {
  const verb = actionVerb(event);
  if (verb.endsWith('_leaked')) return high;
  return verb === 'disabled_sso' || verb === 'disabled_sso_directory' ? low : informational;
}
