/** Commands of the palette. Those about data run a `%lf` line in a new cell, where its answer can be looked at. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { ICommandPalette, InputDialog } from '@jupyterlab/apputils';

import { RequestFailed } from './api';
import { liveFrames } from './frames';
import { runInCell } from './kernel';
import { Model } from './model';
import { quoted } from './words';

const CATEGORY = 'LineageFlow';

export const IDS = {
  open: 'lineageflow:open',
  refresh: 'lineageflow:refresh',
  commit: 'lineageflow:commit',
  diff: 'lineageflow:diff',
  blame: 'lineageflow:blame',
  before: 'lineageflow:before-cell'
};

export function addCommands(app: JupyterFrontEnd, model: Model, open: (tab: string) => void, palette: ICommandPalette | null): void {
  const { commands } = app;
  const inNotebook = () => model.notebook !== null;
  commands.addCommand(IDS.open, {
    label: 'Open the LineageFlow Panel',
    describedBy: { args: { type: 'object', properties: { tab: { type: 'string', enum: ['Data', 'History', 'Changes', 'Lineage'] } } } },
    execute: args => open(typeof args.tab === 'string' ? args.tab : 'Data')
  });
  commands.addCommand(IDS.refresh, { label: 'Look at the Repository Anew', describedBy: NONE, execute: () => model.refresh() });
  commands.addCommand(IDS.commit, { label: 'Commit Frames…', describedBy: NONE, isEnabled: inNotebook, execute: () => open('Changes') });
  commands.addCommand(IDS.diff, {
    label: 'Show What Is Not Committed',
    caption: '%lf diff',
    describedBy: NAME,
    isEnabled: inNotebook,
    execute: args => run(model, '%lf diff', typeof args.name === 'string' ? args.name : '')
  });
  commands.addCommand(IDS.blame, {
    label: 'Blame a Dataset…',
    caption: '%lf blame NAME',
    describedBy: NAME,
    isEnabled: inNotebook,
    execute: async args => {
      const name = typeof args.name === 'string' ? args.name : await asked(model, 'Blame', datasets);
      return name ? run(model, '%lf blame', name) : undefined;
    }
  });
  commands.addCommand(IDS.before, {
    label: 'Show a Frame as It Was Before This Cell…',
    caption: '%lf before NAME --cell N',
    describedBy: NAME,
    isEnabled: () => number(model) !== null,
    execute: async args => {
      const cell = number(model);
      const name = typeof args.name === 'string' ? args.name : await asked(model, `Before cell [${cell}]`, frames);
      return name ? run(model, '%lf before', name, `--cell ${cell}`) : undefined;
    }
  });
  Object.values(IDS).forEach(command => palette?.addItem({ command, category: CATEGORY }));
}

const NONE = { args: { type: 'object', properties: {} } };
const NAME = { args: { type: 'object', properties: { name: { type: 'string', description: 'Dataset or variable' } } } };

/** Execution count of the active cell; null where it has none. */
function number(model: Model): number | null {
  const shared = model.notebook?.content.activeCell?.model.sharedModel;
  return shared?.cell_type === 'code' ? ((shared as { execution_count?: number | null }).execution_count ?? null) : null;
}

async function run(model: Model, verb: string, name: string, more: string = ''): Promise<void> {
  if (model.notebook) {
    await runInCell(model.notebook, [verb, name && quoted(name), more].filter(each => each).join(' '));
  }
}

async function datasets(model: Model): Promise<string[]> {
  const { state } = model;
  if (state.kind !== 'ready') {
    return [];
  }
  return (await model.api.datasets(state.repository, { notebook: state.info?.path })).map(each => each.name);
}

async function frames(model: Model): Promise<string[]> {
  const { state } = model;
  if (state.kind !== 'ready' || !state.info) {
    return [];
  }
  const { runs } = await model.api.runs(state.repository, { notebook: state.info.path, limit: 500 });
  return liveFrames(runs).map(each => each.variable);
}

/** Let the user choose a name; where the server does not tell any, write one. */
async function asked(model: Model, title: string, names: (model: Model) => Promise<string[]>): Promise<string | null> {
  const known = await names(model).catch(error => {
    if (error instanceof RequestFailed) {
      return [];
    }
    throw error;
  });
  const answer = known.length
    ? await InputDialog.getItem({ title, items: known, okLabel: 'Show' })
    : await InputDialog.getText({ title, placeholder: 'name of a frame', okLabel: 'Show' });
  return answer.button.accept ? answer.value : null;
}
