import { drawChart } from '../charts/index.ts';
import type { ChartData } from '../model/chart-data.ts';
import type { Series } from '../model/series.ts';

/** What the page carries for its script. The page made it itself, from validated samples. */
type PageData = { series: Series[]; charts: ChartData[] };

const LEAST_WIDTH = 300;

function start(): void {
  document.documentElement.classList.remove('no-script');
  const { series, charts } = JSON.parse(document.getElementById('report-data')?.textContent ?? '{}') as PageData;
  const hidden = new Set<string>();
  const drawn = new Map<string, string>();

  function draw(slot: HTMLElement): void {
    const chart = charts.find((candidate) => candidate.id === slot.dataset.chart);
    const canvas = slot.querySelector<HTMLElement>('.canvas');
    if (chart === undefined || canvas === null) return;
    const width = Math.max(LEAST_WIDTH, Math.floor(canvas.clientWidth));
    const state = JSON.stringify([width, ...hidden]);
    if (drawn.get(chart.id) === state) return;
    drawn.set(chart.id, state);
    // Keep the height while the old drawing is taken out: the page must not jump under the reader.
    canvas.style.minHeight = `${canvas.clientHeight}px`;
    canvas.replaceChildren();
    drawChart(canvas, chart, { width, series, hidden });
    canvas.style.minHeight = '';
  }

  const slots = [...document.querySelectorAll<HTMLElement>('.chart-slot')];
  const observer = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const slot = (entry.target as HTMLElement).closest<HTMLElement>('.chart-slot');
      if (slot !== null) draw(slot);
    }
  });
  for (const slot of slots) {
    draw(slot);
    observer.observe(slot);
  }

  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-toggle]')) {
    button.addEventListener('click', () => {
      const key = button.dataset.toggle ?? '';
      if (!hidden.delete(key)) hidden.add(key);
      button.setAttribute('aria-pressed', String(!hidden.has(key)));
      hideTip();
      for (const slot of slots) draw(slot);
    });
  }

  const tip = document.querySelector<HTMLElement>('.tip');
  function hideTip(): void {
    if (tip !== null) tip.hidden = true;
  }
  function showTip(mark: Element, x: number, y: number): void {
    if (tip === null) return;
    const [first = '', ...rest] = (mark.getAttribute('data-tip') ?? '').split('\n');
    const title = document.createElement('strong');
    title.textContent = first;
    tip.replaceChildren(title, rest.join('\n'));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, x + 14), window.innerWidth - width - 8);
    const above = y - height - 14;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above > 8 ? above : y + 18}px`;
  }
  const markOf = (target: EventTarget | null) => (target instanceof Element ? target.closest('[data-tip]') : null);
  document.addEventListener('pointermove', (event) => {
    const mark = markOf(event.target);
    if (mark === null) hideTip();
    else showTip(mark, event.clientX, event.clientY);
  });
  document.addEventListener('pointerdown', (event) => {
    const mark = markOf(event.target);
    if (mark !== null) showTip(mark, event.clientX, event.clientY);
  });
  document.addEventListener('focusin', (event) => {
    const mark = markOf(event.target);
    if (mark === null) return;
    const box = mark.getBoundingClientRect();
    showTip(mark, box.x + box.width / 2, box.y);
  });
  document.addEventListener('focusout', hideTip);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hideTip();
  });
  document.addEventListener('scroll', hideTip, { passive: true });
}

start();
