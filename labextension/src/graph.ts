/** Of a lineage graph, what can be drawn: tables, cells, files and models, and not more than can be read. */

import * as wire from './wire';

/** Beyond so many nodes those that came first are drawn as one. */
export const MOST = 200;
export const EARLIER = 'earlier';

const DRAWN = new Set(['version', 'run', 'file', 'model', 'score']);

export interface DrawnGraph {
  nodes: wire.GraphNode[];
  edges: { source: string; target: string }[];
  /** How many nodes the one for what came before stands for. */
  hidden: number;
}

/** The part that is drawn; nodes come in an order in which each is behind what it came from. */
export function drawable(graph: wire.Graph, most: number = MOST): DrawnGraph {
  const nodes = graph.nodes.filter(node => DRAWN.has(node.kind) && !node.details.within);
  const hidden = nodes.length > most ? nodes.length - (most - 1) : 0;
  const kept = new Map(nodes.slice(hidden).map(node => [node.id, node]));
  const gone = new Set(nodes.slice(0, hidden).map(node => node.id));
  const place = (id: string) => (kept.has(id) ? id : gone.has(id) ? EARLIER : '');
  const edges = new Map<string, { source: string; target: string }>();
  for (const edge of graph.edges) {
    const [source, target] = [place(edge.source), place(edge.target)];
    if (source && target && source !== target) {
      edges.set(`${source}\n${target}`, { source, target });
    }
  }
  const first: wire.GraphNode[] = hidden
    ? [{ id: EARLIER, kind: 'run', label: `${hidden} earlier steps`, details: {}, stale: [], current: false }]
    : [];
  return { nodes: [...first, ...kept.values()], edges: Array.from(edges.values()), hidden };
}

/** What people call a node; states of one variable are told apart by the cell that made each. */
export function labelled(nodes: readonly wire.GraphNode[]): Map<string, string> {
  const states = new Map<string, number>();
  for (const node of nodes) {
    if (node.kind === 'version') {
      states.set(node.label, (states.get(node.label) ?? 0) + 1);
    }
  }
  return new Map(
    nodes.map(node => {
      const many = node.kind === 'version' && (states.get(node.label) ?? 0) > 1 && node.details.made;
      const cell = node.kind === 'run' && node.details.number ? `[${node.details.number}]` : '';
      return [node.id, cell || (many ? `${node.label} [${node.details.made}]` : node.label)];
    })
  );
}
