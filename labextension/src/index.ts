import { JupyterFrontEndPlugin } from '@jupyterlab/application';
const plugin: JupyterFrontEndPlugin<void> = { id: 'lineageflow-jupyter:plugin', autoStart: true, activate: () => { console.log('hi'); } };
export default plugin;
