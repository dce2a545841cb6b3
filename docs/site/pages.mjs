import { globSync } from 'node:fs';

/** The pages of the site beside the API reference: one group each, in the order of the navigation. */
const groups = {
  Start: ['docs/start.md', 'docs/command-line.md'],
  Guides: [
    'docs/backfill.md',
    'docs/stores.md',
    'docs/polling.md',
    'docs/gaps.md',
    'docs/monitoring.md',
    'docs/running.md',
    'docs/deployment.md',
    'docs/scaling.md',
    'docs/destinations.md',
    'docs/runreveal.md',
    'docs/detections.md',
    'docs/queries.md',
    'docs/ocsf.md',
    'docs/testing.md',
    'docs/errors.md',
    'docs/upgrading.md',
    'docs/faq.md',
  ],
  Examples: ['examples/README.md', 'examples/fleet-pg-boss/README.md', 'examples/fleet-bullmq/README.md'],
  Background: [
    'docs/performance.md',
    'docs/internals/polling.md',
    'CONTRIBUTING.md',
    '.changeset/README.md',
    'SECURITY.md',
    'CHANGELOG.md',
  ],
};

/** The Markdown files that are pages, each with its group. */
export const groupOfPage = new Map(
  Object.entries(groups).flatMap(([group, pages]) => pages.map((page) => [page, group])),
);

/** The files that become pages with their code. `docs/detections.md` links to the detections. */
export const examples = globSync('examples/**/*', { exclude: ['examples/detections/**', '**/node_modules/**'] })
  .filter((path) => /[^/]\.\w+$|Dockerfile$/.test(path) && !path.endsWith('.md'))
  .sort();

/** A declaration is in the category of its folder or file in `src`, unless it has a `@category` tag. */
const categoryOfFolder = {
  poller: 'Poller',
  client: 'Client',
  http: 'Client',
  'audit-log': 'Events',
  'errors.ts': 'Errors',
  stores: 'Cursor stores',
  runreveal: 'RunReveal',
  ocsf: 'OCSF',
  internal: 'Tools',
};

/** @param {string} file */
export function categoryOf(file) {
  const folder = file.replace(/^.*\/src\//, '').split('/')[0] ?? '';
  const category = categoryOfFolder[folder];
  if (category === undefined) throw new Error(`docs/site/pages.mjs has no category for src/${folder}. Add one.`);
  return category;
}

export const categoryOrder = [
  'Start',
  'Guides',
  'Examples',
  'Reference',
  'Background',
  ...new Set(Object.values(categoryOfFolder)),
];
