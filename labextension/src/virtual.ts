/** A list of rows of one height, of which only those in sight are in the page. */

import { element } from './dom';

const BEYOND = 8;

export class VirtualList {
  readonly node: HTMLElement;
  private readonly space = element('div', { class: 'lf-virtual-space' });
  private readonly shown = new Map<number, HTMLElement>();
  private readonly observer: ResizeObserver;
  private size = 0;
  private active = 0;

  /**
   * @param height Pixels of a row.
   * @param draw Makes a row.
   * @param options.near Called when the end of the list comes near.
   * @param options.chosen Called when a row is clicked, or Enter is pressed on it.
   */
  constructor(
    label: string,
    private readonly height: number,
    private readonly draw: (place: number) => HTMLElement,
    private readonly options: { near: () => void; chosen: (place: number) => void }
  ) {
    this.node = element('div', { class: 'lf-virtual', attributes: { role: 'listbox', tabindex: '0', 'aria-label': label } }, this.space);
    this.node.addEventListener('scroll', () => this.paint(), { passive: true });
    this.node.addEventListener('keydown', event => this.key(event));
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(this.node);
  }

  dispose(): void {
    this.observer.disconnect();
  }

  /** Show so many rows, all drawn anew. */
  reset(size: number, options: { top: boolean }): void {
    this.shown.forEach(row => row.remove());
    this.shown.clear();
    if (options.top) {
      this.node.scrollTop = 0;
      this.active = 0;
    }
    this.grow(size);
  }

  /** Show so many rows; those that are there stay. */
  grow(size: number): void {
    this.size = size;
    this.active = Math.min(this.active, Math.max(0, size - 1));
    this.space.style.height = `${size * this.height}px`;
    this.paint();
  }

  private paint(): void {
    const { scrollTop, clientHeight } = this.node;
    if (!clientHeight) {
      return;
    }
    const first = Math.max(0, Math.floor(scrollTop / this.height) - BEYOND);
    const last = Math.min(this.size, Math.ceil((scrollTop + clientHeight) / this.height) + BEYOND);
    this.shown.forEach((row, place) => {
      if (place < first || place >= last) {
        row.remove();
        this.shown.delete(place);
      }
    });
    for (let place = first; place < last; place += 1) {
      if (!this.shown.has(place)) {
        this.add(place);
      }
    }
    this.mark();
    if (last >= this.size - BEYOND) {
      this.options.near();
    }
  }

  private add(place: number): void {
    const row = this.draw(place);
    row.classList.add('lf-virtual-row');
    row.id = `${this.node.getAttribute('aria-label')?.replace(/\W+/g, '-')}-${place}`;
    row.setAttribute('role', 'option');
    row.setAttribute('aria-posinset', String(place + 1));
    row.setAttribute('aria-setsize', String(this.size));
    row.style.top = `${place * this.height}px`;
    row.style.height = `${this.height}px`;
    row.addEventListener('click', () => this.choose(place));
    this.shown.set(place, row);
    this.space.append(row);
  }

  private choose(place: number): void {
    this.active = place;
    this.mark();
    this.options.chosen(place);
  }

  private mark(): void {
    this.shown.forEach((row, place) => row.setAttribute('aria-selected', String(place === this.active)));
    const active = this.shown.get(this.active);
    if (active) {
      this.node.setAttribute('aria-activedescendant', active.id);
    } else {
      this.node.removeAttribute('aria-activedescendant');
    }
  }

  private key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.node.clientHeight / this.height) - 1);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.size, End: this.size };
    const step = steps[event.key];
    if (step !== undefined) {
      this.active = Math.min(Math.max(0, this.active + step), Math.max(0, this.size - 1));
      this.bringIn();
      this.paint();
    } else if ((event.key === 'Enter' || event.key === ' ') && this.size) {
      this.choose(this.active);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private bringIn(): void {
    const top = this.active * this.height;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop) {
      this.node.scrollTop = top;
    } else if (top + this.height > scrollTop + clientHeight) {
      this.node.scrollTop = top + this.height - clientHeight;
    }
  }
}
