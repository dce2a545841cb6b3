import type { AuditIssue } from '../errors.ts';
import { excerpt } from './excerpt.ts';

/** The number of issues that an error holds. A value may have one issue for each of a million elements. */
export const maxIssues = 20;

/** Returns the first issues of a zod error with dotted paths. A path may hold a key that came from elsewhere. */
export const toAuditIssues = ({
  issues,
}: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): AuditIssue[] =>
  issues.slice(0, maxIssues).map(({ path, message }) => ({ path: excerpt(path.map(String).join('.')), message }));

/** Returns the issues as one line for an error message. `root` names the whole value. */
export const formatIssues = (issues: readonly AuditIssue[], root = ''): string =>
  issues.map(({ path, message }) => [path || root, message].filter(Boolean).join(': ')).join('; ');
