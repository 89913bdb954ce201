/** LineageFlow in JupyterLab and Notebook 7: the panel, badges on cells, an item in the status bar, commands. */

import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IThemeManager } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';

import { Api } from './api';
import { Badges } from './badges';
import { ChangesView } from './changes';
import { addCommands } from './commands';
import { DataView } from './data';
import { HistoryView } from './history';
import { LineageView } from './lineage';
import { Model } from './model';
import { Navigator } from './navigate';
import { LineageFlowPanel } from './panel';
import { StatusItem } from './status';

const ID = 'lineageflow-jupyter:plugin';

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Versions and lineage of frames: a panel, badges on cells, commands.',
  autoStart: true,
  optional: [ILabShell, ILayoutRestorer, INotebookTracker, IDocumentManager, ICommandPalette, IStatusBar, IThemeManager, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    lab: ILabShell | null,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    documents: IDocumentManager | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null,
    themes: IThemeManager | null,
    registry: ISettingRegistry | null
  ): void => {
    const model = new Model(app, new Api(app.serviceManager.serverSettings), notebooks);
    const navigator = new Navigator(documents);
    const lineage = new LineageView(model, navigator);
    const panel = new LineageFlowPanel(model, [new DataView(model, navigator), new HistoryView(model), new ChangesView(model), lineage]);
    app.shell.add(panel, 'left', { rank: 600, type: 'LineageFlow' });
    restorer?.add(panel, panel.id);
    const open = (tab: string) => {
      app.shell.activateById(panel.id);
      panel.choose(tab);
    };
    addCommands(app, model, open, palette);
    const status = new StatusItem(model, () => open('Changes'));
    statusBar?.registerStatusItem(ID, { item: status, align: 'left', rank: 20 });
    const badges = new Badges(model, () => open('Lineage'));
    themes?.themeChanged.connect(() => lineage.restyle());
    void registry?.load(ID).then(settings => {
      const apply = () => {
        badges.show(settings.get('badges').composite as boolean);
        status.setHidden(!(settings.get('statusBar').composite as boolean));
      };
      settings.changed.connect(apply);
      apply();
    });
    void lab;
  }
};

export default plugin;
