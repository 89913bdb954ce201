/** Elements of a page. Text is put in as text: what comes from data never becomes markup. */

type Child = Node | string | null | undefined;

interface Attributes {
  class?: string;
  title?: string;
  /** Attributes by name; null leaves one out. */
  attributes?: Record<string, string | null>;
  onClick?: (event: MouseEvent) => void;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (options.class) {
    made.className = options.class;
  }
  if (options.title) {
    made.title = options.title;
  }
  for (const [name, value] of Object.entries(options.attributes ?? {})) {
    if (value !== null) {
      made.setAttribute(name, value);
    }
  }
  if (options.onClick) {
    made.addEventListener('click', options.onClick as EventListener);
  }
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return made;
}

/** A button with text on it; `label` is what a screen reader says instead. */
export function button(text: string, onClick: () => void, options: { class?: string; label?: string; title?: string } = {}): HTMLButtonElement {
  return element(
    'button',
    {
      class: `lf-button ${options.class ?? ''}`.trim(),
      title: options.title,
      attributes: { type: 'button', 'aria-label': options.label ?? null },
      onClick: () => onClick()
    },
    text
  );
}

/** A message in place of content: what is the case, and what one can do. */
export function notice(said: string, ...below: Child[]): HTMLElement {
  return element('div', { class: 'lf-notice', attributes: { role: 'status' } }, element('p', {}, said), ...below);
}

const NUMBERS = new Intl.NumberFormat('en');
const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

export function count(value: number): string {
  return NUMBERS.format(value);
}

/** "1 row", "2 rows". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export function bytes(value: number): string {
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** "3 × 2": rows and columns. */
export function shape(rows: number, columns: number): string {
  return `${count(rows)} × ${count(columns)}`;
}

/** How long ago, in the largest unit that fits. */
export function ago(time: string | null, now: number = Date.now()): string {
  if (time === null) {
    return '';
  }
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  const steps: [number, string][] = [
    [31_536_000, 'year'],
    [2_592_000, 'month'],
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute']
  ];
  for (const [length, unit] of steps) {
    if (seconds >= length) {
      return `${counted(Math.floor(seconds / length), unit)} ago`;
    }
  }
  return 'just now';
}

/** Put other children into a node; what had the focus keeps it where it is still there, known by its `data-key`. */
export function replaceChildren(node: HTMLElement, ...children: Node[]): void {
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && node.contains(focused) ? focused.dataset.key : undefined;
  const top = node.scrollTop;
  node.replaceChildren(...children);
  node.scrollTop = top;
  if (key !== undefined) {
    const again = Array.from(node.querySelectorAll<HTMLElement>('[data-key]')).find(each => each.dataset.key === key);
    again?.focus({ preventScroll: true });
  }
}

/** Let a node have just these children; where it has them already, nothing is touched, and so no focus is lost. */
export function hold(node: HTMLElement, ...children: Node[]): void {
  const same = node.childNodes.length === children.length && children.every((child, place) => node.childNodes[place] === child);
  if (!same) {
    node.replaceChildren(...children);
  }
}
