/** What the tabs of the panel have in common: each loads when it is seen and out of date, and says what is missing. */

import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { RequestFailed } from './api';
import { Coalesced } from './coalesced';
import { button, element, notice, replaceChildren } from './dom';
import { LOAD, runAside } from './kernel';
import { Model, Reason, State } from './model';

export type Ready = Extract<State, { kind: 'ready' }>;

export abstract class View extends Widget {
  protected readonly content = element('div', { class: 'lf-content' });
  private readonly work = new Coalesced(() => this.reload());
  private outdated = true;
  /** Whether what is shown is a message in place of content. */
  private said = false;

  constructor(
    protected readonly model: Model,
    name: string,
    private readonly reasons: ReadonlySet<Reason>
  ) {
    super();
    this.addClass('lf-view');
    this.id = `lf-view-${name.toLowerCase()}`;
    this.title.label = name;
    this.node.setAttribute('role', 'tabpanel');
    this.node.setAttribute('aria-labelledby', `lf-tab-${name.toLowerCase()}`);
    this.node.append(this.content);
    this.missing(notice('Loading…'));
    model.changed.connect((_, happened) => {
      if (Array.from(happened).some(reason => this.reasons.has(reason) || reason === 'place')) {
        this.outdate();
      }
    });
  }

  /** Load anew, now or when it is next seen. */
  outdate(): void {
    this.outdated = true;
    if (this.isVisible) {
      this.work.ask();
    }
  }

  /** Fetch what is shown, and show it in `content`. */
  protected abstract load(ready: Ready): Promise<void>;

  protected override onAfterShow(_: Message): void {
    if (this.outdated) {
      this.work.ask();
    }
  }

  override dispose(): void {
    this.work.dispose();
    super.dispose();
  }

  private async reload(): Promise<void> {
    if (!this.isVisible) {
      return;
    }
    this.outdated = false;
    this.said = false;
    const state = this.model.state;
    if (state.kind !== 'ready') {
      this.missing(missing(state, this.model));
      return;
    }
    try {
      await this.load(state);
      this.node.classList.toggle('lf-mod-missing', this.said);
    } catch (error) {
      if (!(error instanceof RequestFailed)) {
        throw error;
      }
      this.missing(trouble(error, this.model));
    }
  }

  /** Show a message in place of content. */
  protected missing(...children: HTMLElement[]): void {
    this.said = true;
    this.node.classList.add('lf-mod-missing');
    replaceChildren(this.content, ...children);
  }
}

/** What is said where there is no repository to look at. */
export function missing(state: Exclude<State, Ready>, model: Model): HTMLElement {
  if (state.kind === 'waiting') {
    return notice('Looking for a repository…');
  }
  if (state.kind === 'trouble') {
    return trouble(state.failure, model);
  }
  if (!state.notebook) {
    return notice(
      'No notebook is open, and there is no repository in the folder of this server.',
      element('p', {}, 'Open a notebook and run these two lines in it:'),
      element('pre', { class: 'lf-code' }, `${LOAD}\n%lf init`)
    );
  }
  return notice(
    'This notebook is in no repository yet.',
    element('p', {}, 'A repository keeps the versions of your frames in a folder beside the notebook. Run in a cell:'),
    element('pre', { class: 'lf-code' }, `${LOAD}\n%lf init`),
    line('Make one here', [LOAD, '%lf init'], model)
  );
}

export function trouble(failure: RequestFailed, model: Model): HTMLElement {
  const again = button('Try again', () => model.refresh(), { class: 'lf-mod-minor' });
  if (failure.trouble !== 'absent') {
    return notice(`${failure.message}.`, failure.remedy ? element('p', {}, `${failure.remedy}.`) : null, again);
  }
  return notice(
    `${failure.message}.`,
    element('p', {}, 'The panel shows what that extension knows. Commands and %lf lines work without it. Enable it in a terminal, and start the server anew:'),
    element('pre', { class: 'lf-code' }, 'jupyter server extension enable lineageflow_jupyter'),
    again
  );
}

/** A button that runs lines in the kernel, and says below what they answered. */
export function line(text: string, lines: string[], model: Model): HTMLElement {
  const answer = element('p', { class: 'lf-answer', attributes: { role: 'status' } });
  const pressed = async () => {
    const panel = model.notebook;
    if (!panel) {
      return;
    }
    made.disabled = true;
    for (const each of lines) {
      const outcome = await runAside(panel.sessionContext, each);
      answer.textContent = outcome.text;
      answer.classList.toggle('lf-mod-failed', !outcome.ok);
      if (!outcome.ok) {
        break;
      }
    }
    made.disabled = false;
    model.refresh();
  };
  const made = button(text, () => void pressed(), { title: lines.join('\n') });
  return element('div', {}, made, answer);
}
