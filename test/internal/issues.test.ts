import { expect, test } from 'vitest';
import { formatIssues, toAuditIssues } from '../../src/internal/issues.ts';

test('toAuditIssues gives the first 20 issues', () => {
  const issues = Array.from({ length: 100_000 }, (_, index) => ({ path: ['data', index], message: 'is wrong' }));
  const given = toAuditIssues({ issues });
  expect(given).toHaveLength(20);
  expect(given[19]).toEqual({ path: 'data.19', message: 'is wrong' });
});

test('toAuditIssues shortens a path with a key that came from elsewhere, and escapes its control characters', () => {
  const [issue] = toAuditIssues({
    issues: [{ path: ['metadata', `\u001b[2J\u202e${'x'.repeat(1_000_000)}`], message: '' }],
  });
  expect(issue?.path).toMatch(/^metadata\.\\u001b\[2J\\u202ex+$/);
  expect(issue?.path.length).toBeLessThan(300);
});

test('toAuditIssues cuts no character in half', () => {
  const [issue] = toAuditIssues({ issues: [{ path: ['of', '😀'.repeat(200)], message: '' }] });
  expect(issue?.path.isWellFormed()).toBe(true);
});

test('formatIssues names the whole value by its root', () => {
  const issues = [
    { path: '', message: 'is wrong' },
    { path: 'a.b', message: 'is missing' },
  ];
  expect(formatIssues(issues, 'response')).toBe('response: is wrong; a.b: is missing');
});
