import { actionVerb, readVerbs } from '../audit-log/derived-fields.ts';
import type { AuditEvent } from '../audit-log/event.ts';

/** The activities of Entity Management that audit actions come to. OCSF has more: moving, enrolling, suspending. */
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
 * Which actions an activity stands for, by the first word of their verb: `updated_cluster_size` is an update. `Other` has what
 * does nothing to the thing itself, a leak or a sign-in, and the verbs that nobody knows yet.
 */
const verbs: readonly (readonly [ActivityCaption, readonly string[]])[] = [
  ['Create', ['created']],
  ['Read', readVerbs],
  [
    'Update',
    [
      'updated',
      'added',
      'removed',
      'joined',
      'left',
      'granted',
      'approved',
      'closed',
      'queued',
      'unqueued',
      'requested',
    ],
  ],
  ['Delete', ['deleted']],
  ['Enable', ['enabled']],
  ['Disable', ['disabled']],
  ['Activate', ['started']],
  ['Deactivate', ['finished']],
];

export interface OcsfActivity {
  readonly id: number;
  readonly caption: string;
  /** The caption, or the source's own word where that is `Other`. */
  readonly name: string;
}

export function ocsfActivity(event: AuditEvent): OcsfActivity {
  const action = actionVerb(event);
  const [word = ''] = action.split('_');
  const [caption = 'Other'] = verbs.find(([, words]) => words.includes(word)) ?? [];
  return { id: activityIds[caption], caption, name: caption === 'Other' ? action : caption };
}

const informational = { id: 1, caption: 'Informational' };
const low = { id: 2, caption: 'Low' };
const high = { id: 4, caption: 'High' };

/** OCSF on High: "Action is required immediately", on Low: "The user decides if action is needed". */
export function ocsfSeverity(event: AuditEvent): { readonly id: number; readonly caption: string } {
  const action = actionVerb(event);
  if (action.endsWith('_leaked')) return high;
  return action === 'disabled_sso' || action === 'disabled_sso_directory' ? low : informational;
}
