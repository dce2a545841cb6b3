// Extends typedoc by what its options lack: titles and groups of pages without front matter, pages of the examples, URLs that follow the
// repository, and categories that follow `src`.
import { readFileSync } from 'node:fs';
import { extname, relative, resolve } from 'node:path';
import { Comment, CommentTag, Converter, DocumentReflection, KindRouter, normalizePath } from 'typedoc';
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
}

/** @param {DocumentReflection} page */
const pathOf = (page) => relative(process.cwd(), page.project.files.getReflectionPath(page));

/** @param {DocumentReflection} page */
function nameAndGroup(_, page) {
  const text = page.content.map((part) => part.text).join('');
  page.name = /^# (.+)$/m.exec(text)?.[1] ?? page.name;
  page.frontmatter.category = groupOfPage.get(pathOf(page));
}

const languages = { '.ts': 'ts', '.sh': 'sh', '.yaml': 'yaml', '.yml': 'yaml', '.service': 'ini', '.toml': 'toml' };

/** @param {import('typedoc').ProjectReflection} project */
function addExamples(project) {
  for (const path of examples) {
    const name = path.replace('examples/', '');
    const code = readFileSync(path, 'utf8');
    const text = `# ${name}\n\n\`\`\`\`${languages[extname(path)] ?? 'text'}\n${code}\`\`\`\`\n`;
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

class RepositoryRouter extends KindRouter {
  /** `docs/polling.md` becomes `docs/polling.html`. */
  getIdealBaseName(reflection) {
    return reflection.isDocument() ? pathOf(reflection).replace(/\.md$/, '') : super.getIdealBaseName(reflection);
  }
}
