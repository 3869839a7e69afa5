import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Service } from '../support/service';

interface Taken {
  path: string;
  headers: Record<string, string>;
  text: string;

  body: any;
}

/** Takes webhooks and answers as the path says: /503x2, /302, /hang, else 200. */
class Receiver {
  readonly taken: Taken[] = [];
  private readonly server: Server;
  private readonly waiting = new Set<() => void>();

  private constructor() {
    this.server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => (text += part));
      request.on('end', () => {
        const path = request.url!;
        this.taken.push({
          path,
          headers: request.headers as Record<string, string>,
          text,
          body: JSON.parse(text),
        });
        for (const wake of this.waiting) wake();
        if (path === '/hang') return;
        const status = path === '/302' ? 302 : path === '/503x2' && this.at(path).length <= 2 ? 503 : 200;
        response.writeHead(status, { location: '/redirected' }).end();
      });
    });
  }

  static async start(port: number): Promise<Receiver> {
    const receiver = new Receiver();
    await once(receiver.server.listen(port, '127.0.0.1'), 'listening');
    return receiver;
  }

  at(path: string): Taken[] {
    return this.taken.filter((one) => one.path === path);
  }

  async until(isDone: () => boolean, withinMs = 15_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!isDone()) {
      if (Date.now() >= deadline) throw new Error(`Not received: ${JSON.stringify(this.taken.slice(-5))}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, deadline - Date.now());
        this.waiting.add(wake);
      });
    }
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const PORT = 23120;
const HERE = `http://127.0.0.1:${PORT}`;

describe('webhooks', () => {
  let service: Service;
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await Receiver.start(PORT);
    service = await Service.start({ env: { DAEMON_WEBHOOK_ALLOW_PRIVATE: 'true' } });
  });
  afterAll(async () => {
    await service.dispose();
    await receiver.stop();
  });

  it('brings a failure with its diagnosis and the last lines of stderr, signed', async () => {
    const key = Buffer.from('a key of some bytes').toString('base64');
    const id = await service.add({
      command: 'echo first >&2; echo last words >&2; exit 3',
      start_seconds: 1,
      webhooks: { urls: [`${HERE}/failure`], secret: `whsec_${key}`, headers: { 'X-Team': 'night' } },
    });
    await service.post(`programs/${id}/start`);
    await receiver.until(() => receiver.at('/failure').length === 1);

    const { body, text, headers } = receiver.at('/failure')[0]!;
    expect(body).toEqual({
      type: 'program.state',
      timestamp: body.data.time,
      data: {
        program: id,
        port: null,
        from: 'STARTING',
        to: 'FATAL',
        pid: expect.any(Number),
        exit_status: 3,
        spawn_error: expect.stringMatching(/^Failed to start: exited with code 3/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        diagnosis: expect.stringMatching(/^exited with code 3/),
        stderr: ['first', 'last words'],
      },
    });
    const { 'webhook-id': messageId, 'webhook-timestamp': timestamp } = headers;
    const expected = createHmac('sha256', Buffer.from(key, 'base64'))
      .update(`${messageId}.${timestamp}.${text}`)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${expected}`);
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(10);
    expect(headers['x-team']).toBe('night');
    expect(headers['content-type']).toBe('application/json');
  });

  it('brings all states of a program in order where that is asked for', async () => {
    const id = await service.add({
      webhooks: { urls: [`${HERE}/all`], events: ['all'], secret: 'plain words' },
    });
    await service.post(`programs/${id}/start`);
    await service.post(`programs/${id}/stop`);
    await receiver.until(() => receiver.at('/all').length === 4);
    expect(receiver.at('/all').map(({ body }) => body.data.to)).toEqual([
      'STARTING',
      'RUNNING',
      'STOPPING',
      'STOPPED',
    ]);
    const { headers, text } = receiver.at('/all')[0]!;
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
    expect(headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', 'plain words').update(signed).digest('base64')}`,
    );
  });

  it('tries again after a 503, with the same id', async () => {
    const id = await service.add({ webhooks: { urls: [`${HERE}/503x2`], events: ['RUNNING'], retry: 2 } });
    await service.post(`programs/${id}/start`);
    await receiver.until(() => receiver.at('/503x2').length === 3);
    expect(new Set(receiver.at('/503x2').map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const [delivery] = await service.until(
      `programs/${id}/webhooks`,
      ([{ outcome }]) => outcome !== 'pending',
    );
    expect(delivery.outcome).toBe('delivered');
    expect(delivery.attempts.map(({ status }: { status: number }) => status)).toEqual([503, 503, 200]);
  });

  it('follows no redirect', async () => {
    const id = await service.add({ webhooks: { urls: [`${HERE}/302`], retry: 0 } });
    const { body } = await service.post(`programs/${id}/webhooks/test`);
    expect(body.message).toBe('Test event delivered to 0 of 1 URLs');
    expect(body.deliveries[0].attempts[0]).toMatchObject({
      status: 302,
      error: 'answered 302, redirects are not followed',
    });
    expect(receiver.at('/redirected')).toEqual([]);
  });

  it('gives up on a receiver that does not answer in time', async () => {
    const id = await service.add({ webhooks: { urls: [`${HERE}/hang`], timeout: 1 } });
    const { body } = await service.post(`programs/${id}/webhooks/test`);
    expect(body.deliveries[0]).toMatchObject({
      outcome: 'failed',
      attempts: [{ status: null, error: 'no answer within 1 s' }],
    });
    expect(body.deliveries[0].attempts[0].duration_ms).toBeLessThan(2000);
  });

  it('makes a test call that says that nothing happened', async () => {
    const id = await service.add({ webhooks: { urls: [`${HERE}/test`], enabled: false } });
    const { body } = await service.post(`programs/${id}/webhooks/test`);
    expect(body.message).toBe('Test event delivered to 1 of 1 URLs');
    expect(receiver.at('/test')[0]!.body).toMatchObject({ type: 'program.test', data: { program: id } });
    expect((await service.post(`programs/${await service.add()}/webhooks/test`)).body.code).toBe(
      'VALIDATION_ERROR',
    );
    expect((await service.get('programs/nobody/webhooks')).body.code).toBe('PROGRAM_NOT_FOUND');
  });

  it('does not slow starts and stops down while the receiver hangs, and keeps a bounded list', async () => {
    const plain = await service.add();
    const hooked = await service.add({ webhooks: { urls: [`${HERE}/hang`], events: ['all'], timeout: 60 } });
    const cycles = async (id: string): Promise<number> => {
      const began = Date.now();
      for (let i = 0; i < 20; i++) {
        expect((await service.post(`programs/${id}/start`)).status).toBe(200);
        await service.post(`programs/${id}/stop`);
      }
      return Date.now() - began;
    };
    const without = await cycles(plain);
    expect(await cycles(hooked)).toBeLessThan(without * 2 + 1000);
    const { body } = await service.get(`programs/${hooked}/webhooks`);
    expect(body).toHaveLength(50);
    expect(new Set(body.map(({ outcome }: { outcome: string }) => outcome))).toEqual(new Set(['pending']));
  });

  it('never shows a secret, but that there is one, and keeps it over an edit', async () => {
    const secret = 'quiet-water-77';
    const id = await service.add({ webhooks: { urls: [`${HERE}/secret`], secret } });
    const answers = [
      await service.get(`programs/${id}`),
      await service.get('programs'),
      await service.post(`programs/edit/${id}`, { webhooks: { retry: 1 } }),
      await service.post(`programs/${id}/webhooks/test`),
      await service.get(`programs/${id}/webhooks`),
    ];
    for (const { body } of answers) expect(JSON.stringify(body)).not.toContain(secret);
    expect(answers[0]!.body.webhooks.secret_set).toBe(true);
    expect(receiver.at('/secret')[0]!.headers['webhook-signature']).toMatch(/^v1,/);
    const { body } = await service.post(`programs/edit/${id}`, { webhooks: { secret: null } });
    expect(body.program.webhooks.secret_set).toBe(false);
  });

  describe('without leave to call private addresses', () => {
    let strict: Service;
    beforeAll(async () => void (strict = await Service.start()));
    afterAll(() => strict.dispose());

    it.each([
      HERE,
      'http://[::1]/',
      'http://10.1.2.3/',
      'http://169.254.169.254/',
      'http://127.1/',
      'http://localhost/',
    ])('refuses %s when a program is added', async (url) => {
      const { body } = await strict.post('programs/add', {
        name: 'x',
        command: 'true',
        user: 'root',
        webhooks: { urls: [url] },
      });
      expect(body).toMatchObject({ code: 'VALIDATION_ERROR', details: [{ field: 'webhooks.urls[0]' }] });
    });
  });

  it('refuses a name that leads to a private address when it is called', async () => {
    const strict = await Service.start();
    try {
      const { hostname } = await import('node:os');
      const id = await strict.add({ webhooks: { urls: [`http://${hostname()}:${PORT}/named`] } });
      const { body } = await strict.post(`programs/${id}/webhooks/test`);
      expect(body.deliveries[0].attempts[0]).toMatchObject({
        status: null,
        error: expect.stringMatching(/loopback, private or link-local/),
      });
      expect(receiver.at('/named')).toEqual([]);
    } finally {
      await strict.dispose();
    }
  });
});
