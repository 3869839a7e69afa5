import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { debianProgram } from '../support/debian-program';
import { Service } from '../support/service';

// For the functions that run in the page: with the whole DOM's types, those of Node would be others everywhere.
declare const document: any;
declare const navigator: any;
type HTMLElement = any;

const API = '/api/v1/daemon';
/** Long enough for apt, on a machine that has no Chromium yet. */
const INSTALL_MS = 300_000;
/** Set it to a folder to look at what the browser saw. */
const { SCREENSHOTS } = process.env;

let browser: Browser;
let attacker: Server;
let attackerPort: number;

beforeAll(async () => {
  const executablePath = debianProgram('/usr/bin/chromium', 'chromium');
  browser = await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP *.test 127.0.0.1, MAP evil.localhost 127.0.0.1',
    ],
  });
  attacker = await servePage();
  attackerPort = (attacker.address() as AddressInfo).port;
}, INSTALL_MS);

afterAll(async () => {
  await browser?.close();
  attacker?.closeAllConnections();
  attacker?.close();
});

async function servePage(): Promise<Server> {
  const server = createServer((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>prize</title><p>Hello');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function onPage<T>(url: string, look: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(url);
    return await look(page);
  } finally {
    await context.close();
  }
}

describe('a hostile page, and a service without a token', () => {
  let service: Service;
  let port: string;
  beforeAll(async () => {
    service = await Service.start();
    port = new URL(service.address).port;
    const id = await service.add({
      name: 'victim',
      command: 'exec sleep 1000',
      environment: { PASSWORD: 'secret' },
    });
    await service.post(`programs/${id}/start`);
  });
  afterAll(() => service.dispose());

  const state = async () => [
    (await service.get('programs')).body,
    (await service.get('status/victim')).body.pid,
    (await service.get('quick-start')).body,
  ];

  /** Asks the service as this page can. @returns what it could read */
  const attack = (page: Page, target: string): Promise<string[]> =>
    page.evaluate(attackFromPage, { api: `${target}${API}`, target });

  // Other ports of the same name, the same site and other sites.
  const pages = ['http://127.0.0.1', 'http://localhost', 'http://evil.localhost', 'http://evil.test'];
  const targets = ['http://127.0.0.1', 'http://localhost', 'http://evil.localhost'];
  it.each(pages.flatMap((page) => targets.map((target) => [page, target])))(
    '%s can read and change nothing of %s',
    async (page, target) => {
      const before = await state();
      const read = await onPage(`${page}:${attackerPort}/`, (at) => attack(at, `${target}:${port}`));
      expect(read).toEqual([]);
      expect(await state()).toEqual(before);
    },
  );

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data'])(
    'a form of the type %s changes nothing',
    async (type) => {
      const before = await state();
      for (const path of ['programs/add', 'programs/victim/stop', 'programs/remove/victim', 'quick-start']) {
        const answer = await onPage(`http://evil.test:${attackerPort}/`, async (page) => {
          const navigated = page.waitForResponse((response) => response.url().includes(API));
          await page.evaluate(submitForm, { action: `http://127.0.0.1:${port}${API}/${path}`, type });
          return (await navigated).status();
        });
        expect([path, answer]).toEqual([path, 403]);
      }
      expect(await state()).toEqual(before);
    },
  );

  it('a name of the attacker that has come to lead here (DNS rebinding) reads and changes nothing', async () => {
    const page = await browser.newPage();
    const first = await servePage();
    const { port: samePort } = first.address() as AddressInfo;
    await page.goto(`http://rebound.test:${samePort}/`);
    first.closeAllConnections();
    await new Promise((resolve) => first.close(resolve));

    const rebound = await Service.start({ env: { DAEMON_PORT: String(samePort) } });
    try {
      const before = (await rebound.get('programs')).body;
      const codes = await page.evaluate(askSameOrigin, API);
      expect(codes).toEqual(['FORBIDDEN_HOST', 'FORBIDDEN_HOST', 'FORBIDDEN_HOST']);
      expect((await rebound.get('programs')).body).toEqual(before);
      expect((await rebound.get('quick-start')).body).toEqual([]);
    } finally {
      await page.close();
      await rebound.dispose();
    }
  });

  it('a page can not frame the API or its documentation', async () => {
    for (const path of ['/docs', `${API}/programs`]) {
      const framed = await onPage(`http://evil.test:${attackerPort}/`, async (page) => {
        await page.evaluate((src) => {
          return new Promise<void>((resolve) => {
            const frame = document.createElement('iframe');
            frame.onload = () => resolve();
            frame.src = src;
            document.body.append(frame);
          });
        }, `http://127.0.0.1:${port}${path}`);
        const frame = page.frames()[1]!;
        return frame.evaluate(() => document.body.innerText).catch(() => '');
      });
      expect(framed).not.toMatch(/victim|Programs/);
    }
  });

  it('the attack works where the origin is allowed, so it would have been seen', async () => {
    const open = await Service.start({
      env: { DAEMON_ALLOWED_ORIGINS: `http://evil.test:${attackerPort}` },
    });
    try {
      const read = await onPage(`http://evil.test:${attackerPort}/`, (page) => attack(page, open.address));
      expect(read).toEqual(
        expect.arrayContaining([
          'GET programs 200',
          'POST programs/add 201',
          'POST programs/reset 200',
          'EventSource',
        ]),
      );
    } finally {
      await open.dispose();
    }
  });
});

describe('Swagger UI', () => {
  let service: Service;
  const token = 'token-of-the-owner';
  beforeAll(async () => void (service = await Service.start({ env: { DAEMON_TOKEN: token } })));
  afterAll(() => service.dispose());

  it('loads, takes the token by Authorize, and tries out a GET and a POST', async () => {
    await onPage(`${service.address}/docs`, async (page) => {
      const problems: string[] = [];
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      page.on('pageerror', (error) => problems.push(error.message));
      await page.waitForSelector('#operations-Programs-listPrograms');
      expect(await page.locator('.opblock').count()).toBeGreaterThanOrEqual(30);
      expect(await page.title()).toBe('hoody-daemon');

      await tryOut(page, '#operations-Programs-listPrograms');
      await page.waitForSelector('#operations-Programs-listPrograms .live-responses-table >> text=401');

      await page.click('.auth-wrapper .authorize');
      await page.fill('.auth-container input', token);
      await page.click('.auth-btn-wrapper .authorize');
      await page.click('.auth-btn-wrapper .btn-done');

      await page.click('#operations-Programs-listPrograms .execute');
      await page.waitForSelector('#operations-Programs-listPrograms .live-responses-table >> text=200');

      const add = '#operations-Programs-addProgram';
      await page.click(`${add} .opblock-summary-control`);
      await page.click(`${add} .try-out__btn`);
      const program = { name: 'From the page', command: 'sleep 1000', user: 'root' };
      await page.fill(`${add} textarea.body-param__text`, JSON.stringify(program));
      await page.click(`${add} .execute`);
      await page.waitForSelector(`${add} .live-responses-table .response-col_status >> text=201`);
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'swagger-ui.png'), fullPage: true });
      // The 401 before the token was given.
      expect(problems.filter((text) => !text.includes('401'))).toEqual([]);
    });
    const { body } = await service.get('programs', { authorization: `Bearer ${token}` });
    expect(body).toContainEqual(expect.objectContaining({ id: 'from-the-page' }));
  });
});

async function tryOut(page: Page, operation: string): Promise<void> {
  await page.click(`${operation} .opblock-summary-control`);
  await page.click(`${operation} .try-out__btn`);
  await page.click(`${operation} .execute`);
}

/* What follows runs in the page. */

async function attackFromPage({ api, target }: { api: string; target: string }): Promise<string[]> {
  const read: string[] = [];
  const program = JSON.stringify({ name: 'owned', command: 'sleep 1000', user: 'root' });
  const attempts: [string, RequestInit][] = [];
  for (const path of [
    'programs',
    'programs/victim',
    'status',
    'quick-start',
    'events',
    'programs/victim/logs',
  ])
    for (const init of [{}, { mode: 'no-cors' }, { credentials: 'include' }, { cache: 'force-cache' }])
      attempts.push([path, { method: 'GET', ...(init as RequestInit) }]);
  for (const path of [
    'programs/add',
    'quick-start',
    'programs/victim/stop',
    'programs/remove/victim',
    'programs/reset',
  ])
    for (const init of [
      { headers: { 'content-type': 'application/json' } },
      { headers: { 'content-type': 'text/plain' } },
      { mode: 'no-cors', headers: { 'content-type': 'text/plain' } },
      { mode: 'no-cors', credentials: 'include' },
      { mode: 'no-cors', keepalive: true },
    ])
      attempts.push([
        path,
        { method: 'POST', body: path.endsWith('add') ? program : '{}', ...(init as RequestInit) },
      ]);
  for (const [path, init] of attempts) {
    const signal = AbortSignal.timeout(3000);
    await fetch(`${api}/${path}`, { ...init, signal }).then(
      (response) => response.type !== 'opaque' && read.push(`${init.method} ${path} ${response.status}`),
      () => undefined,
    );
  }
  navigator.sendBeacon(`${api}/quick-start`, program);

  const element = (make: () => HTMLElement, name: string) =>
    new Promise<void>((resolve) => {
      const it = make();
      it.onload = () => {
        read.push(name);
        resolve();
      };
      it.onerror = () => resolve();
      document.body.append(it);
    });
  for (const path of ['programs', 'status', 'events?x=1']) {
    await element(
      () => Object.assign(document.createElement('img'), { src: `${api}/${path}` }),
      `img ${path}`,
    );
    await element(
      () => Object.assign(document.createElement('script'), { src: `${api}/${path}` }),
      `script ${path}`,
    );
    await element(
      () => Object.assign(document.createElement('link'), { rel: 'stylesheet', href: `${api}/${path}` }),
      `style ${path}`,
    );
  }
  await new Promise<void>((resolve) => {
    const events = new EventSource(`${api}/events`);
    const over = () => {
      events.close();
      resolve();
    };
    events.onopen = () => {
      read.push('EventSource');
      over();
    };
    events.onerror = over;
  });
  await new Promise<void>((resolve) => {
    const socket = new WebSocket(`${target.replace('http', 'ws')}/api/v1/daemon/events`);
    socket.onopen = () => {
      read.push('WebSocket');
      resolve();
    };
    socket.onerror = () => resolve();
  });
  return read;
}

function submitForm({ action, type }: { action: string; type: string }): void {
  const form = Object.assign(document.createElement('form'), { action, method: 'POST', enctype: type });
  const field = document.createElement('input');
  // As text/plain this makes JSON of the form.
  field.name = '{"name":"owned","command":"sleep 1000","user":"root","description":"';
  field.value = '"}';
  form.append(field);
  document.body.append(form);
  form.submit();
}

async function askSameOrigin(api: string): Promise<string[]> {
  const json = { 'content-type': 'application/json' };
  const asked = [
    fetch(`${api}/programs`),
    fetch(`${api}/programs/victim/stop`, { method: 'POST' }),
    fetch(`${api}/quick-start`, { method: 'POST', headers: json, body: '{"command":"true","user":"root"}' }),
  ];
  return await Promise.all(
    asked.map(async (answer) => ((await (await answer).json()) as { code: string }).code),
  );
}
