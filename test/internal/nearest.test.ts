import { describe, expect, test } from 'vitest';
import { knownAuditActions } from '../../src/audit-log/actions.ts';
import { nearest } from '../../src/internal/nearest.ts';

describe('nearest', () => {
  const options = ['intervalMs', 'lookbackMs', 'startFrom', 'onNotice', 'store', 'key'];

  test.each([
    ['interval', 'intervalMs'],
    ['IntervalMS', 'intervalMs'],
    ['lookBackMs', 'lookbackMs'],
    ['start_from', 'startFrom'],
    ['onNotices', 'onNotice'],
    ['stor', 'store'],
    ['tenant', undefined],
    ['', undefined],
    ['x'.repeat(1_000_000), undefined],
  ])('finds the option that %.20s stands for', (word, found) => {
    expect(nearest(word, options)).toBe(found);
  });

  test.each([
    ['branch.delete', 'branch.deleted'],
    ['database_brach.created', 'database_branch.created'],
    ['user.sign_in', 'user.signed_in'],
  ])('finds the action that %s stands for', (word, found) => {
    expect(nearest(word, knownAuditActions)).toBe(found);
  });

  test('finds nothing among no candidates', () => {
    expect(nearest('a', [])).toBeUndefined();
  });
});
