import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticRun } from '../testing/synthetic.ts';
import { type RenderedReport, renderReport } from './render.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let folder: string;
let rendered: RenderedReport;
let browser: Browser;
beforeAll(async () => {
  await access(CHROMIUM).catch(() => {
    throw new Error(`the page test needs Debian's Chromium at ${CHROMIUM}: apt-get install chromium`);
  });
  folder = await mkdtemp(join(tmpdir(), 'plumbline-page-'));
  rendered = await renderReport({ ...syntheticRun(), outDir: folder });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS, timeout: 60_000 });
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

type Opened = { page: Page; complaints: string[]; requests: string[] };

async function open(width: number, colorScheme: 'light' | 'dark' = 'light', javaScriptEnabled = true): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  const url = pathToFileURL(rendered.page).href;
  await page.goto(url, { waitUntil: 'load' });
  return { page, complaints, requests: requests.filter((request) => request !== url && !request.startsWith('data:')) };
}

describe('the report page', () => {
  it('opens from disk, complains of nothing and asks no network', async () => {
    const { page, complaints, requests } = await open(1200);
    await page.locator('#throughput-latency-memcached-udp-mix-get svg .mark').first().waitFor();
    expect(await page.locator('.chart-slot svg').count()).toBe(rendered.report.charts.length);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([]);
    await page.close();
  });

  it('writes out what could end a script, and runs none of it', async () => {
    const text = await readFile(rendered.page, 'utf8');
    expect(text).not.toContain('<script>alert');
    expect(text.match(/<script/g)).toHaveLength(2);
    const { page } = await open(1200);
    expect(await page.locator('#failures').textContent()).toContain('</script><script>alert(1)</script>');
    await page.close();
  });

  it('switches a variant off and on in every chart', async () => {
    const { page } = await open(1200);
    const marks = page.locator('.chart-slot [data-series="plumbline/halt"]');
    const others = page.locator('.chart-slot [data-series="linux-host/debian"]');
    const before = [await marks.count(), await others.count()];
    expect(before[0]).toBeGreaterThan(10);
    const button = page.locator('[data-toggle="plumbline/halt"]');
    await button.click();
    expect(await marks.count()).toBe(0);
    expect(await others.count()).toBe(before[1]);
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    await button.click();
    expect(await marks.count()).toBe(before[0]);
    await page.close();
  });

  it('survives everything being switched off', async () => {
    const { page, complaints } = await open(1200);
    for (const button of await page.locator('[data-toggle]').all()) await button.click();
    expect(await page.locator('.chart-slot .mark').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('tells a mark’s figures under the pointer and to the keyboard', async () => {
    const { page } = await open(1200);
    const tip = page.locator('.tip');
    expect(await tip.isVisible()).toBe(false);
    const mark = page.locator('.panel-p50 .mark[data-series="linux-host/debian"] .median').nth(1);
    await mark.scrollIntoViewIfNeeded();
    // The event of this scrolling comes with a later frame, and hides what the pointer shows.
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(null)))),
    );
    const box = await mark.boundingBox();
    if (box === null) throw new Error('the mark has no box');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await tip.waitFor({ state: 'visible' });
    expect(await tip.textContent()).toMatch(/linux-host, window 8throughput: .* k\/s \[.*\]/);
    await page.mouse.move(2, 2);
    expect(await tip.isVisible()).toBe(false);
    await page.locator('.chart-instructions .mark').first().focus();
    expect(await tip.textContent()).toContain('instructions');
    await page.keyboard.press('Escape');
    expect(await tip.isVisible()).toBe(false);
    await page.close();
  });

  it.each([360, 480, 800, 1600])('fits a window of %i pixels', async (width) => {
    const { page } = await open(width);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    // Text drawn outside of its drawing would be cut off without making the page wider.
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('.chart-slot svg')].flatMap((svg) => {
        const edge = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')]
          .filter((text) => {
            const box = text.getBoundingClientRect();
            return (
              box.left < edge.left - 1 ||
              box.right > edge.right + 1 ||
              box.bottom > edge.bottom + 1 ||
              box.top < edge.top - 1
            );
          })
          .map((text) => text.textContent);
      }),
    );
    expect(cut).toEqual([]);
    await page.close();
  });

  it('redraws when its window changes', async () => {
    const { page } = await open(1200);
    const svg = page.locator('.chart-throughput-latency');
    const wide = Number(await svg.getAttribute('width'));
    await page.setViewportSize({ width: 500, height: 900 });
    await page.waitForFunction(
      () => Number(document.querySelector('.chart-throughput-latency')?.getAttribute('width')) < 500,
    );
    expect(wide).toBeGreaterThan(1000);
    expect(await svg.locator('.panel').count()).toBe(2);
    await page.close();
  });

  it('has colours for the dark, with enough contrast in both', async () => {
    const colours = async (scheme: 'light' | 'dark') => {
      const { page } = await open(1200, scheme);
      const found = await page.evaluate(() => {
        const style = getComputedStyle(document.documentElement);
        const canvas = document.createElement('canvas').getContext('2d');
        const rgb = (name: string): number[] => {
          if (canvas === null) throw new Error('no canvas');
          canvas.fillStyle = style.getPropertyValue(name).trim();
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
        };
        const names = ['--ink', '--muted', ...Array.from({ length: 8 }, (_, i) => `--series-${i}`)];
        return { surface: rgb('--surface'), drawn: Object.fromEntries(names.map((name) => [name, rgb(name)])) };
      });
      const body = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await page.close();
      return { ...found, body };
    };
    const light = await colours('light');
    const dark = await colours('dark');
    expect(light.body).not.toBe(dark.body);
    // WCAG 2.1: 4.5 to 1 for text, 3 to 1 for graphics.
    const luminance = (rgb: number[]) => {
      const [r = 0, g = 0, b = 0] = rgb.map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    for (const { surface, drawn } of [light, dark]) {
      for (const [name, colour] of Object.entries(drawn)) {
        const [a, b] = [luminance(surface), luminance(colour)];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        // Series colours are the colour of their labels too, in bold: 3 to 1 is the least.
        expect(contrast, name).toBeGreaterThan(name.startsWith('--series') ? 3 : 4.5);
      }
    }
  });

  it('shows its charts without scripts, and hides what needs one', async () => {
    const { page } = await open(1200, 'light', false);
    expect(await page.locator('.chart-slot svg .mark').count()).toBeGreaterThan(50);
    expect(await page.locator('.legend').isVisible()).toBe(false);
    await page.close();
  });

  it('has drawings that stand alone, as files', async () => {
    expect(rendered.svgs).toHaveLength(rendered.report.charts.length);
    for (const file of rendered.svgs) {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(pathToFileURL(file).href);
      // A file that is not well-formed XML is shown as an error page with other elements in it.
      expect(await page.evaluate(() => document.documentElement.tagName)).toBe('svg');
      expect(await page.evaluate(() => document.querySelectorAll('parsererror').length)).toBe(0);
      expect(complaints).toEqual([]);
      await page.close();
    }
  });

  it('is a page of its own for a run without samples', async () => {
    const empty = await renderReport({ samples: [], provenance: [], outDir: join(folder, 'empty') });
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(pathToFileURL(empty.page).href);
    expect(await page.locator('header').textContent()).toContain('There are no samples yet');
    expect(complaints).toEqual([]);
    await page.close();
  });
});
