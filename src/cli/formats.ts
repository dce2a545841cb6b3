import { styleText } from 'node:util';
import { type AuditEvent, rawJson } from '../audit-log/event.ts';
import { printable } from '../internal/printable.ts';
import { toOcsf } from '../ocsf/ocsf.ts';
import { toJsonEachRow } from '../runreveal/row/row.ts';

export const formatNames = ['pretty', 'ndjson', 'raw', 'runreveal', 'ocsf'] as const;

export type FormatName = (typeof formatNames)[number];

/** Returns the event as one line, without the line break. */
export type FormatEvent = (event: AuditEvent) => string;

interface FormatOptions {
  readonly organization: string;
  readonly colors: boolean;
}

export function createFormat(name: FormatName, { organization, colors }: FormatOptions): FormatEvent {
  switch (name) {
    case 'pretty':
      return createPrettyFormat(colors);
    case 'ndjson':
      return (event) => JSON.stringify(event);
    case 'raw': // Outside of texts, JSON has line breaks only as white space.
      return (event) => rawJson(event).replace(/[\r\n]+/g, ' ');
    case 'runreveal':
      return (event) => toJsonEachRow(event, { sourceID: organization });
    case 'ocsf':
      return (event) => JSON.stringify(toOcsf(event, { organization }));
  }
}

/** Returns the events as lines, each with its line break. */
export const linesOf = (events: readonly AuditEvent[], formatEvent: FormatEvent): string =>
  events.map((event) => `${formatEvent(event)}\n`).join('');

/** Whether a stream shows colors: a terminal does, unless its user asked for none. */
export const showsColors = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

/** The width of a column fits most values. A longer one moves the rest of its line. */
const columnWidths = { action: 36, actor: 24 };

const createPrettyFormat = (colors: boolean): FormatEvent => {
  const style = (format: 'dim' | 'cyan' | 'bold', text: string): string =>
    colors ? styleText(format, text, { validateStream: false }) : text;
  return (event) => {
    const origin = [event.remote_ip, event.location && `(${event.location})`].filter(Boolean).join(' ');
    const columns = [
      style('dim', printable(event.created_at)),
      style('cyan', printable(event.audit_action).padEnd(columnWidths.action)),
      style('bold', printable(event.actor_display_name ?? 'PlanetScale').padEnd(columnWidths.actor)),
      printable(describeSubject(event)),
      style('dim', printable(origin && `from ${origin}`)),
    ];
    return columns.join(' ').trimEnd();
  };
};

/** What the event is about, such as `deploy request #102 (acme-production)`. */
const describeSubject = ({ auditable_display_name, target_display_name }: AuditEvent): string => {
  if (!auditable_display_name || !target_display_name) return auditable_display_name || target_display_name || '';
  return `${auditable_display_name} (${target_display_name})`;
};
