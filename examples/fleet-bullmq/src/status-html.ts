// The status page. Nothing here knows the engine.

/** What the page shows of an organization. It has no token. */
export interface OrganizationStatus {
  readonly organization: string;
  readonly state: 'new' | 'ok' | 'failing' | 'parked';
  readonly lastSuccessAt: Date | undefined;
  readonly lastError: string | undefined;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');

/** Sorting goes by `data-value`, and people read the text. */
const cell = (label: string, value: string | number, text: string): string =>
  `<td data-label="${label}" data-value="${escapeHtml(String(value))}">${escapeHtml(text)}</td>`;

const lagOf = (ms: number): string =>
  ms === Number.POSITIVE_INFINITY
    ? 'never ran'
    : ms < 120_000
      ? `${Math.round(ms / 1000)} s`
      : `${Math.round(ms / 60_000)} min`;

const rowOf = ({ organization, state, lastSuccessAt, lastError = '' }: OrganizationStatus, now: number): string => {
  const lag = lastSuccessAt ? Math.max(0, now - lastSuccessAt.getTime()) : Number.POSITIVE_INFINITY;
  const cells = [
    cell('Organization', organization, organization),
    cell('State', state, state),
    cell('Lag', lag, lagOf(lag)),
    cell('Last success', lastSuccessAt?.getTime() ?? 0, lastSuccessAt?.toISOString() ?? ''),
    cell('Last error', lastError, lastError),
  ];
  return `<tr class="${state}">${cells.join('')}</tr>`;
};

/** The lag is the age of the last success: no event that is older waits at PlanetScale. */
export const statusHtml = (rows: readonly OrganizationStatus[], now = Date.now()): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Audit logs</title>
<style>
  body { font: 16px/1.4 system-ui, sans-serif; margin: 1rem; color-scheme: light dark; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: 0.4rem; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
  th button { all: unset; cursor: pointer; font-weight: bold; }
  th button:focus-visible { outline: 2px solid; }
  .parked td:nth-child(2), .failing td:nth-child(2) { font-weight: bold; color: light-dark(#b00020, #ff8a80); }
  @media (max-width: 600px) {
    thead tr { display: flex; flex-wrap: wrap; }
    table, thead, tbody, tbody tr, td { display: block; }
    th, td { border: 0; padding: 0.1rem 0.4rem; }
    tbody tr { border-bottom: 1px solid #8886; padding: 0.5rem 0; }
    td:not([data-value=""])::before { content: attr(data-label) ": "; opacity: 0.7; }
  }
</style>
<h1>${rows.length} organizations, ${rows.filter(({ state }) => state === 'parked').length} parked</h1>
<table>
<thead><tr>${['Organization', 'State', 'Lag', 'Last success', 'Last error'].map((label) => `<th><button>${label}</button></th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => rowOf(row, now)).join('\n')}</tbody>
</table>
<script>
  document.querySelectorAll('th button').forEach((button, column) => {
    let direction = 1;
    button.onclick = () => {
      const value = (row) => row.cells[column].dataset.value;
      const compare = (a, b) => (column === 2 || column === 3 ? value(a) - value(b) || 0 : value(a).localeCompare(value(b)));
      const body = document.querySelector('tbody');
      body.append(...[...body.rows].sort((a, b) => direction * compare(a, b)));
      direction = -direction;
    };
  });
</script>
</html>
`;
