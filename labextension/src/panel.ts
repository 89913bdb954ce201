/** The panel in JupyterLab's left area: where one is, and the tabs. */

import { LabIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';

import * as dom from './dom';
import { Model } from './model';
import { View } from './view';

const { element } = dom;

export const icon = new LabIcon({
  name: 'lineageflow-jupyter:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="none" stroke="#616161" stroke-width="2.2"><circle cx="6" cy="5" r="2.6"/><circle cx="6" cy="19" r="2.6"/><circle cx="18" cy="12" r="2.6"/><path d="M6 7.6v8.8M8.2 6.4 15.7 10.8M8.2 17.6 15.7 13.2"/></g></svg>`
});

export class LineageFlowPanel extends Widget {
  private readonly where = element('div', { class: 'lf-where' });
  private readonly tabs: HTMLElement[];

  constructor(
    private readonly model: Model,
    private readonly views: View[]
  ) {
    super();
    this.id = 'lineageflow-panel';
    this.addClass('lf-panel');
    this.title.icon = icon;
    this.title.caption = 'LineageFlow: versions and lineage of frames';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'LineageFlow');
    this.tabs = views.map((view, place) =>
      element(
        'button',
        {
          class: 'lf-tab',
          attributes: { type: 'button', role: 'tab', id: view.node.getAttribute('aria-labelledby'), 'aria-controls': view.id },
          onClick: () => this.select(place)
        },
        view.title.label
      )
    );
    const bar = element('div', { class: 'lf-tabs', attributes: { role: 'tablist', 'aria-label': 'LineageFlow' } }, ...this.tabs);
    bar.addEventListener('keydown', event => this.key(event));
    const refresh = dom.button('↻', () => model.refresh(), { class: 'lf-mod-close', label: 'Refresh', title: 'Refresh' });
    const head = new Widget({ node: element('div', { class: 'lf-head' }, element('div', { class: 'lf-title' }, this.where, refresh), bar) });
    const layout = (this.layout = new PanelLayout());
    [head, ...views].forEach(each => layout.addWidget(each));
    this.select(0);
    model.changed.connect(() => this.told());
  }

  /** Show a tab, by its name. */
  choose(name: string): void {
    this.select(Math.max(0, this.views.findIndex(view => view.title.label === name)));
  }

  protected override onActivateRequest(_: Message): void {
    this.tabs.find(tab => tab.tabIndex === 0)?.focus();
  }

  private select(chosen: number): void {
    this.views.forEach((view, place) => view.setHidden(place !== chosen));
    this.tabs.forEach((tab, place) => {
      tab.setAttribute('aria-selected', String(place === chosen));
      tab.tabIndex = place === chosen ? 0 : -1;
    });
  }

  private key(event: KeyboardEvent): void {
    const at = this.tabs.findIndex(tab => tab.tabIndex === 0);
    const last = this.tabs.length - 1;
    const places: Record<string, number> = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last };
    const place = places[event.key];
    if (place !== undefined) {
      this.select(place);
      this.tabs[place]?.focus();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private told(): void {
    const { state, path } = this.model;
    const branch = state.kind === 'ready' ? (state.info?.branch ?? null) : null;
    const notebook = path.slice(path.lastIndexOf('/') + 1);
    dom.hold(
      this.where,
      element('span', { class: 'lf-name', title: path }, notebook || 'LineageFlow'),
      ...(branch === null ? [] : [element('span', { class: 'lf-ref lf-mod-branch', title: `branch ${branch}` }, branch)])
    );
  }
}
