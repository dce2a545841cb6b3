import {
  AuditApiError,
  AuditConfigError,
  AuditConnectionError,
  AuditResponseError,
  CursorConflictError,
  CursorStoreError,
  classifyError,
} from 'planetscale-audit';
import { expect, test, vi } from 'vitest';

test.each([
  [new AuditApiError('', { status: 429, retryAfterMs: 7000 }), { kind: 'transient', retryAfterMs: 7000 }],
  [new AuditApiError('', { status: 503 }), { kind: 'transient', retryAfterMs: undefined }],
  [new AuditApiError('', { status: 401 }), { kind: 'access' }],
  [new AuditApiError('', { status: 403 }), { kind: 'access' }],
  [new AuditApiError('', { status: 404 }), { kind: 'access' }],
  [new AuditApiError('', { status: 403, fromIntermediary: true }), { kind: 'transient', retryAfterMs: undefined }],
  [new AuditApiError('', { status: 422 }), { kind: 'unexpected' }],
  [new AuditConnectionError(''), { kind: 'transient', retryAfterMs: undefined }],
  [new AuditConnectionError('', { retryable: false }), { kind: 'configuration' }],
  [new AuditResponseError('', { retryable: true }), { kind: 'transient', retryAfterMs: undefined }],
  [new AuditResponseError(''), { kind: 'unexpected' }],
  [new CursorStoreError('', { key: 'key', retryable: true }), { kind: 'transient', retryAfterMs: undefined }],
  [new CursorStoreError('', { key: 'key' }), { kind: 'corrupt-state' }],
  [new CursorStoreError('', { key: 'key', cause: new Error('wrong password') }), { kind: 'configuration' }],
  [new CursorConflictError('', { key: 'key' }), { kind: 'conflict' }],
  [new AuditConfigError(''), { kind: 'configuration' }],
  [new TypeError('fetch failed'), { kind: 'unexpected' }],
  [undefined, { kind: 'unexpected' }],
])('classifyError says what to do about an error (%#)', (error, expected) => {
  expect(classifyError(error)).toEqual(expected);
});

test('classifyError knows the errors of another copy of the package', async () => {
  vi.resetModules();
  const copy = await import('../src/errors.ts');
  expect(copy.AuditApiError).not.toBe(AuditApiError);
  expect(classifyError(new copy.AuditApiError('', { status: 404 }))).toEqual({ kind: 'access' });
});
