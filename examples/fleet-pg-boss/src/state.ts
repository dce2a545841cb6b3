// What the fleet knows of each organization: a row of `fleet_organizations`.
import { pool } from './database.ts';
import type { Outcome } from './outcome.ts';
import type { OrganizationStatus } from './status-html.ts';

/** Adds organizations that are new, and returns those of the given ones that should run now. */
export async function dueOrganizations(organizations: readonly string[]): Promise<readonly string[]> {
  await pool.query('INSERT INTO fleet_organizations SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [organizations]);
  const { rows } = await pool.query<{ organization: string }>(
    'SELECT organization FROM fleet_organizations WHERE organization = ANY($1) AND NOT is_parked AND next_run_at <= now()',
    [organizations],
  );
  return rows.map(({ organization }) => organization);
}

/** Returns how many runs of an organization have failed in a row. */
export async function failuresOf(organization: string): Promise<number> {
  const { rows } = await pool.query<{ failures: number }>(
    'SELECT failures FROM fleet_organizations WHERE organization = $1',
    [organization],
  );
  return rows[0]?.failures ?? 0;
}

const statements = {
  succeeded:
    "next_run_at = now() + $2::float * interval '1 ms', failures = 0, last_success_at = now(), last_error = NULL",
  ignored: "next_run_at = now() + $2::float * interval '1 ms'",
  failed: "next_run_at = now() + $2::float * interval '1 ms', failures = failures + 1, last_error = $3",
  parked: 'is_parked = true, last_error = $2',
} as const;

export async function record(organization: string, outcome: Outcome): Promise<void> {
  const values = [
    ...('nextRunInMs' in outcome ? [outcome.nextRunInMs] : []),
    ...('message' in outcome ? [outcome.message] : []),
  ];
  const set = statements[outcome.kind];
  await pool.query(`UPDATE fleet_organizations SET ${set} WHERE organization = $1`, [organization, ...values]);
}

/** Lets a parked organization run again, at once. Returns whether the fleet knows it. */
export async function resume(organization: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'UPDATE fleet_organizations SET is_parked = false, failures = 0, next_run_at = now() WHERE organization = $1',
    [organization],
  );
  return rowCount === 1;
}

interface Row {
  readonly organization: string;
  readonly is_parked: boolean;
  readonly failures: number;
  readonly last_success_at: Date | null;
  readonly last_error: string | null;
}

const stateOf = ({ is_parked, failures, last_success_at }: Row): OrganizationStatus['state'] => {
  if (is_parked) return 'parked';
  if (failures > 0) return 'failing';
  return last_success_at ? 'ok' : 'new';
};

export async function readStatus(): Promise<readonly OrganizationStatus[]> {
  const { rows } = await pool.query<Row>('SELECT * FROM fleet_organizations ORDER BY organization');
  return rows.map((row) => ({
    organization: row.organization,
    state: stateOf(row),
    lastSuccessAt: row.last_success_at ?? undefined,
    lastError: row.last_error ?? undefined,
  }));
}
