/** Which repository is looked at, for which notebook, and what has moved there. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Event } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { Api, RequestFailed } from './api';
import { Coalesced } from './coalesced';
import * as wire from './wire';

const EVENT = /^https:\/\/schema\.lineageflow\.dev\/(commit|ref_moved|cell_run|check_failed)\/v\d+$/;
const MOST_SEEN = 2_000;

export type State =
  | { kind: 'waiting' }
  | { kind: 'trouble'; failure: RequestFailed }
  | { kind: 'outside'; notebook: string }
  | { kind: 'ready'; repository: string; info: wire.NotebookInfo | null };

/** Why what is shown may be out of date: something happened in the repository, or another place is looked at. */
export type Reason = wire.EventKind | 'place';

export class Model {
  private readonly work = new Coalesced(() => this.look(), 120);
  private readonly seen = new Set<string>();
  private reasons = new Set<Reason>(['place']);
  private panel: NotebookPanel | null = null;
  /** The repository of the notebook that was last in use: it stays in sight when that is closed. */
  private last = '';
  private _state: State = { kind: 'waiting' };
  private _changed = new Signal<this, ReadonlySet<Reason>>(this);

  constructor(
    private app: JupyterFrontEnd,
    readonly api: Api,
    readonly notebooks: INotebookTracker | null
  ) {
    notebooks?.currentChanged.connect(() => this.follow());
    app.serviceManager.events.stream.connect((_, emission) => this.hear(emission));
    // Events of the time without a connection are lost: what is seen after it is looked at anew.
    const { sessions } = app.serviceManager;
    let lost = false;
    sessions.connectionFailure.connect(() => {
      lost = true;
    });
    sessions.runningChanged.connect(() => {
      if (lost || (this._state.kind === 'trouble' && this._state.failure.trouble === 'unreachable')) {
        lost = false;
        this.refresh();
      }
    });
    document.addEventListener('visibilitychange', () => this.work.ask());
    void app.restored.then(() => this.follow());
  }

  get state(): State {
    return this._state;
  }

  /** What was looked at is done, and the state says what is now the case. */
  get changed(): ISignal<this, ReadonlySet<Reason>> {
    return this._changed;
  }

  /** The notebook that the user is in; null: none. */
  get notebook(): NotebookPanel | null {
    return this.panel;
  }

  /** Its path for the server. */
  get path(): string {
    return this.panel ? this.app.serviceManager.contents.localPath(this.panel.context.path) : '';
  }

  /** Look at everything anew. */
  refresh(): void {
    this.outdate('place');
  }

  /** Say that something has happened, before the server tells. */
  outdate(reason: Reason): void {
    this.reasons.add(reason);
    this.work.ask();
  }

  private follow(): void {
    const panel = this.notebooks?.currentWidget ?? null;
    if (panel !== this.panel) {
      const again = () => this.panel === panel && this.refresh();
      panel?.context.pathChanged.connect(again);
      panel?.sessionContext.kernelChanged.connect(again);
      this.panel = panel;
    }
    this.refresh();
  }

  private hear(emission: Event.Emission): void {
    const kind = EVENT.exec(emission.schema_id)?.[1] as wire.EventKind | undefined;
    if (kind === undefined) {
      return;
    }
    const told = emission as unknown as wire.Announcement;
    if (this.seen.has(told.event_id)) {
      return;
    }
    this.seen.add(told.event_id);
    if (this.seen.size > MOST_SEEN) {
      this.seen.delete(this.seen.values().next().value as string);
    }
    // A notebook whose first cell made a repository did not know of it.
    if (this._state.kind !== 'ready') {
      this.refresh();
    } else if (this._state.repository === told.repository) {
      this.outdate(kind);
    }
  }

  private async look(): Promise<void> {
    if (document.hidden || this.reasons.size === 0) {
      return;
    }
    const reasons = this.reasons;
    this.reasons = new Set();
    this._state = await this.found();
    this._changed.emit(reasons);
  }

  private async found(): Promise<State> {
    try {
      const path = this.path;
      const info = path ? await this.api.notebook(path) : null;
      if (info?.problem) {
        const { problem, remedy, code } = info.problem;
        return { kind: 'trouble', failure: new RequestFailed('refused', problem, remedy ?? '', code) };
      }
      if (info?.repository) {
        this.last = info.repository;
        return { kind: 'ready', repository: info.repository, info };
      }
      if (info) {
        return { kind: 'outside', notebook: path };
      }
      const known = (await this.api.repositories()).map(each => each.id);
      const chosen = known.includes(this.last) ? this.last : known[0];
      return chosen === undefined ? { kind: 'outside', notebook: '' } : { kind: 'ready', repository: chosen, info: null };
    } catch (error) {
      if (error instanceof RequestFailed) {
        return { kind: 'trouble', failure: error };
      }
      throw error;
    }
  }
}
