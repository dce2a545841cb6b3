import { OptionDefaults } from 'typedoc';
import { categoryOrder, groupOfPage } from './docs/site/pages.mjs';
import { load } from './docs/site/plugin.mjs';
import { runRevealColumns } from './src/runreveal/row/columns.ts';

/** The compiler derives these properties from the list of columns, so they have no place for a docstring. */
const derivedProperties = [
  ...['name', 'type'].map((property) => `runRevealColumns.__type.${property}`),
  ...runRevealColumns.map(({ name }) => `runRevealRowSchema.__type.${name}`),
  ...['data', 'name', 'provider', 'type', 'value'].map(
    (property) => `runRevealRowSchema.__type.enrichments.__type.${property}`,
  ),
];

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  entryPoints: ['src/index.ts', 'src/node.ts', 'src/stores.ts', 'src/testing.ts'],
  projectDocuments: [...groupOfPage.keys()],
  out: 'docs/api',
  plugin: [load],
  router: 'repository',
  customCss: 'docs/site/theme.css',
  favicon: 'docs/site/favicon.svg',
  headings: { readme: false, document: false }, // The Markdown files begin with a title of their own.
  navigation: { includeCategories: true },
  categoryOrder,
  kindSortOrder: ['Document', 'Module', 'Class', 'Function', 'Variable', 'Interface'],
  includeHierarchySummary: false,
  visibilityFilters: {},
  useFirstParagraphOfCommentAsSummary: true,
  searchInDocuments: true,
  searchInComments: true,
  highlightLanguages: [...OptionDefaults.highlightLanguages, 'docker', 'ini', 'sql', 'toml', 'xml'],
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  readme: 'README.md',
  includeVersion: true,
  disableSources: true,
  intentionallyNotDocumented: derivedProperties.map((name) => `planetscale-audit.${name}`),
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
};
