/** The tab History: commits with their branches and tags, and what each changed. */

import { hint, list } from './data';
import * as dom from './dom';
import { runInCell } from './kernel';
import { drawn, LaneRow, Lanes } from './lanes';
import { Model } from './model';
import { Ready, View } from './view';
import { VirtualList } from './virtual';
import * as wire from './wire';
import { quoted } from './words';

const { element } = dom;
const HEIGHT = 46;
const PAGE = 200;
/** Revision that stands for all branches and tags. */
const EVERYTHING = '*';

export class HistoryView extends View {
  private readonly filter = element('select', { class: 'lf-select', attributes: { 'aria-label': 'Only commits of this dataset' } });
  private readonly branches = element(
    'select',
    { class: 'lf-select', attributes: { 'aria-label': 'Commits of these branches' } },
    element('option', { attributes: { value: '' } }, 'This branch'),
    element('option', { attributes: { value: EVERYTHING } }, 'All branches')
  );
  private readonly tools = element('div', { class: 'lf-tools' }, this.branches, this.filter);
  private readonly commits: VirtualList;
  private readonly details = element('div', { class: 'lf-pane', attributes: { role: 'region', 'aria-label': 'Commit', hidden: '' } });
  private rows: { commit: wire.Commit; lanes: LaneRow }[] = [];
  private lanes = new Lanes();
  private next: string | null = null;
  private fetching = false;
  /** Numbers the lists: an answer for one that is no longer shown is dropped. */
  private epoch = 0;
  private asked = '';
  private chosen: string | null = null;
  private marked: string | null = null;
  private repository = '';
  private notebook: string | undefined;

  constructor(model: Model) {
    super(model, 'History', new Set(['commit', 'ref_moved']));
    this.addClass('lf-history');
    this.commits = new VirtualList('Commits', HEIGHT, place => this.row(place), {
      near: () => void this.more(),
      chosen: place => void this.describe(place)
    });
    for (const choice of [this.branches, this.filter]) {
      choice.addEventListener('change', () => this.outdate());
    }
  }

  override dispose(): void {
    this.commits.dispose();
    super.dispose();
  }

  protected async load({ repository, info }: Ready): Promise<void> {
    this.repository = repository;
    this.notebook = info?.path;
    const epoch = ++this.epoch;
    const dataset = this.filter.value;
    const [page, datasets] = await Promise.all([
      this.model.api.log(repository, { ...this.query(), limit: PAGE }),
      this.model.api.datasets(repository, { notebook: this.notebook })
    ]);
    if (epoch !== this.epoch) {
      return;
    }
    // Also those that HEAD holds no more: their commits are what is looked for here.
    this.choices([...new Set([...datasets.map(each => each.name), ...page.commits.flatMap(each => each.datasets)])].sort());
    const asked = [repository, this.notebook, info?.branch, this.branches.value, dataset].join('\n');
    const other = asked !== this.asked;
    this.asked = asked;
    this.rows = [];
    this.lanes = new Lanes();
    this.take(page);
    if (this.rows.length === 0) {
      this.details.hidden = true;
      const said = dataset ? 'No commit of this branch changed it.' : 'No commits yet. The tab Changes makes the first one.';
      dom.hold(this.content, this.tools, hint(said));
      return;
    }
    dom.hold(this.content, this.tools, this.commits.node, this.details);
    this.commits.reset(this.rows.length, { top: other });
  }

  private query(): { revision?: string; dataset: string; notebook?: string } {
    return { revision: this.branches.value, dataset: this.filter.value, notebook: this.notebook };
  }

  private choices(names: string[]): void {
    const chosen = this.filter.value;
    const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
    this.filter.replaceChildren(
      element('option', { attributes: { value: '' } }, 'All datasets'),
      ...all.map(name => element('option', { attributes: { value: name } }, name))
    );
    this.filter.value = chosen;
  }

  private take(page: wire.LogPage): void {
    this.next = page.next ?? null;
    const filtered = this.filter.value !== '';
    for (const commit of page.commits) {
      // Of a choice of commits the parents are not there: each is drawn for itself.
      this.rows.push({ commit, lanes: this.lanes.add(filtered ? { id: commit.id, parents: [] } : commit) });
    }
  }

  private async more(): Promise<void> {
    if (this.next === null || this.fetching) {
      return;
    }
    this.fetching = true;
    const epoch = this.epoch;
    try {
      const page = await this.model.api.log(this.repository, { ...this.query(), after: this.next, limit: PAGE });
      if (epoch === this.epoch) {
        this.take(page);
        this.commits.grow(this.rows.length);
      }
    } catch {
      this.next = null; // the model says what is wrong, at the next look
    } finally {
      this.fetching = false;
    }
  }

  private row(place: number): HTMLElement {
    const { commit, lanes } = this.rows[place]!;
    const [subject = ''] = commit.message.split('\n');
    return element(
      'div',
      { class: 'lf-commit', title: commit.message },
      drawn(lanes, HEIGHT),
      element(
        'div',
        { class: 'lf-commit-text' },
        element('div', { class: 'lf-subject' }, ...refs(commit), subject),
        element('div', { class: 'lf-soft lf-line' }, `${commit.id.slice(0, 8)} · ${commit.author.name} · ${dom.ago(commit.time)} · ${commit.datasets.join(', ')}`)
      )
    );
  }

  private async describe(place: number): Promise<void> {
    const { commit } = this.rows[place]!;
    this.chosen = commit.id;
    this.details.hidden = false;
    let changes: wire.Change[] = [];
    let failed = '';
    try {
      changes = (await this.model.api.commit(this.repository, commit.id)).changes;
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
    }
    if (this.chosen !== commit.id) {
      return;
    }
    const close = dom.button('×', () => (this.details.hidden = true), { class: 'lf-mod-close', label: 'Close the details' });
    this.details.replaceChildren(
      close,
      element('p', { class: 'lf-message-text' }, ...refs(commit), commit.message),
      element('p', { class: 'lf-soft' }, commit.author.email ? `${commit.author.name} <${commit.author.email}>` : commit.author.name),
      element('p', { class: 'lf-soft' }, `${commit.time === null ? '' : new Date(commit.time).toLocaleString()} · ${commit.id.slice(0, 12)}`),
      this.actions(commit),
      failed ? hint(failed) : list('Changed datasets', changes.map(changed))
    );
  }

  private actions(commit: wire.Commit): HTMLElement {
    const panel = this.model.notebook;
    if (!panel) {
      return element('div');
    }
    const short = commit.id.slice(0, 12);
    const parent = commit.parents[0];
    const diff = (from: string) => void runInCell(panel, `%lf diff ${quoted(from)} ${quoted(short)}`);
    const mark = dom.button(
      'Compare from here',
      () => {
        this.marked = short;
        this.details.querySelector('.lf-actions')?.replaceWith(this.actions(commit));
      },
      { class: 'lf-mod-minor' }
    );
    const { marked } = this;
    return element(
      'div',
      { class: 'lf-actions' },
      parent ? dom.button('Diff with parent', () => diff(parent.slice(0, 12)), { class: 'lf-mod-minor' }) : null,
      marked && marked !== short ? dom.button(`Diff from ${marked.slice(0, 8)}`, () => diff(marked), { class: 'lf-mod-minor' }) : mark
    );
  }
}

function refs(commit: wire.Commit): HTMLElement[] {
  return [
    ...(commit.branches ?? []).map(name => element('span', { class: 'lf-ref lf-mod-branch', title: `branch ${name}` }, name)),
    ...(commit.tags ?? []).map(name => element('span', { class: 'lf-ref lf-mod-tag', title: `tag ${name}` }, name))
  ];
}

function changed({ dataset, state, before, after, columns_added, columns_dropped, columns_changed }: wire.Change): HTMLElement {
  const size = (each: wire.Shape) => dom.shape(each.rows, each.columns);
  const same = before && after && size(before) === size(after);
  const shapes = same ? size(before) : [before, after].map(each => (each ? size(each) : '')).filter(each => each).join(' → ');
  const columns = [
    columns_added.length ? `added ${columns_added.join(', ')}` : '',
    columns_dropped.length ? `dropped ${columns_dropped.join(', ')}` : '',
    columns_changed.length ? `changed ${columns_changed.join(', ')}` : ''
  ].filter(each => each);
  return element(
    'li',
    { class: 'lf-item' },
    element('div', { class: 'lf-row lf-mod-plain' }, element('span', { class: 'lf-what' }, element('span', { class: 'lf-name', title: dataset }, dataset), element('span', { class: 'lf-soft' }, state)), element('span', { class: 'lf-number' }, shapes)),
    columns.length ? hint(columns.join('; ')) : null
  );
}
