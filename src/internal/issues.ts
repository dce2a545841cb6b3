import type { AuditIssue } from '../errors.ts';

/** Returns the issues of a zod error with dotted paths. */
export const toAuditIssues = ({
  issues,
}: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): AuditIssue[] => issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));

/** Returns the issues as one line for an error message. `root` names the whole value. */
export const formatIssues = (issues: readonly AuditIssue[], root = ''): string =>
  issues.map(({ path, message }) => [path || root, message].filter(Boolean).join(': ')).join('; ');
