// Extends typedoc by what its options lack: titles and groups of pages without front matter, pages of the examples, URLs that follow the
// repository, and categories that follow `src`.
import { readFileSync } from 'node:fs';
import { extname, relative, resolve } from 'node:path';
import { Comment, CommentTag, Converter, DocumentReflection, JSX, KindRouter, normalizePath } from 'typedoc';
import { categoryOf, examples, groupOfPage } from './pages.mjs';

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, nameAndGroup);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    addExamples(project);
    for (const module of project.children ?? []) addCategory(module, 'Reference');
    for (const declaration of project.getChildByName('planetscale-audit')?.children ?? []) {
      addCategory(declaration, categoryOf(project.getSymbolIdFromReflection(declaration).fileName));
    }
  });
  app.renderer.defineRouter('repository', RepositoryRouter);
  app.renderer.hooks.on('body.begin', openNavigation);
  app.renderer.hooks.on('pageSidebar.begin', omitTitle);
}

/** @param {DocumentReflection} page */
const pathOf = (page) => relative(process.cwd(), page.project.files.getReflectionPath(page));

/** @param {DocumentReflection} page */
function nameAndGroup(_, page) {
  const text = page.content.map((part) => part.text).join('');
  page.name = /^# (.+)$/m.exec(text)?.[1] ?? page.name;
  const group = groupOfPage.get(pathOf(page));
  page.frontmatter.category = group;
  page.relevanceBoost = group === 'Background' ? 0.5 : 4; // The search shows a guide before the properties that mention its words.
}

const languages = { '.ts': 'ts', '.sh': 'sh', '.yaml': 'yaml', '.yml': 'yaml', '.service': 'ini', '.toml': 'toml' };

/** @param {import('typedoc').ProjectReflection} project */
function addExamples(project) {
  for (const path of examples) {
    const name = path.replace('examples/', '');
    const [, comment, code] = /^((?:\/\/[^\n]*\n)*)(.*)$/s.exec(readFileSync(path, 'utf8'));
    const intro = comment.replaceAll(/^\/\/ ?/gm, '');
    const text = `# ${name}\n\n${intro}\n\`\`\`\`${languages[extname(path)] ?? 'text'}\n${code}\`\`\`\`\n`;
    const page = new DocumentReflection(name, project, [{ kind: 'text', text }], { category: 'Examples' });
    project.addChild(page);
    project.registerReflection(page, undefined, normalizePath(resolve(path)));
  }
}

/** @param {import('typedoc').DeclarationReflection} reflection */
function addCategory(reflection, category) {
  const comments = [reflection.comment, ...(reflection.signatures ?? []).map((signature) => signature.comment)];
  if (comments.some((comment) => comment?.getTag('@category'))) return;
  reflection.comment ??= new Comment();
  reflection.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: category }]));
}

const openGroups = ['Start', 'Guides', 'Reference', 'Reference$planetscale-audit'];

/** Opens the first groups of the navigation until the reader closes them. typedoc begins with all groups closed. */
function openNavigation() {
  const html = `for (const group of ${JSON.stringify(openGroups)}) localStorage['tsd-accordion-' + group] ??= 'true';`;
  return JSX.createElement('script', null, JSX.createElement(JSX.Raw, { html }));
}

/** The list "On this page" begins with the first section: the title of the page is not repeated. */
function omitTitle({ page }) {
  for (const section of page.pageSections) section.headings = section.headings.filter(({ level }) => level !== 1);
  return JSX.createElement(JSX.Fragment, null);
}

class RepositoryRouter extends KindRouter {
  /** Leaves out the list of all pages, which the navigation has too. */
  buildPages(project) {
    const pages = super.buildPages(project).filter(({ url }) => url !== 'modules.html');
    this.fullUrls.set(project, 'index.html');
    return pages;
  }

  /** `docs/polling.md` becomes `docs/polling.html`. */
  getIdealBaseName(reflection) {
    if (!reflection.isDocument()) return super.getIdealBaseName(reflection);
    return pathOf(reflection).replace(/^\.|\.md$/g, '');
  }
}
