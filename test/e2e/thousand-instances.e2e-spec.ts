import { until } from '../support/processes';
import { Service } from '../support/service';

interface StateEvent {
  port: number | null;
  to: string;
}

describe('a program with 1000 instances', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  it('starts and stops with every change told once and in order, while others are served', async () => {
    const other = await service.add();
    const fleet = await service.add({ command: 'exec sleep 1000', port_range: { start: 21000, end: 21999 } });
    const story = await listen(service, fleet);
    for (const action of ['start', 'stop']) {
      let isOver = false;
      const acting = service
        .post(`programs/${fleet}/${action}`, { all: true })
        .finally(() => (isOver = true));
      const statuses = [
        (await service.get('status')).status,
        (await service.post(`programs/${other}/start`)).status,
        (await service.post(`programs/${other}/stop`)).status,
      ];
      expect(isOver).toBe(false);
      expect(statuses).toEqual([200, 200, 200]);
      expect((await acting).status).toBe(200);
    }
    await until('all is told', () => story().length >= 4000);
    const byPort = new Map<number, string[]>();
    for (const { port, to } of story()) byPort.set(port!, [...(byPort.get(port!) ?? []), to]);
    expect([...byPort.keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => 21000 + i),
    );
    for (const states of byPort.values())
      expect(states).toEqual(['STARTING', 'RUNNING', 'STOPPING', 'STOPPED']);
  }, 150_000);
});

/** @returns what GET /events has told of the program's states since the call */
async function listen(service: Service, program: string): Promise<() => StateEvent[]> {
  const { body } = await fetch(`${service.address}/api/v1/daemon/events?program=${program}`);
  let text = '';
  const read = async () => {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) text += chunk;
  };
  // It ends with the service.
  read().catch(() => undefined);
  return () => {
    const whole = text.slice(0, text.lastIndexOf('\n\n') + 1);
    return [...whole.matchAll(/^event: state\n(?:id: .*\n)?data: (.*)$/gm)].map(([, data]) =>
      JSON.parse(data!),
    );
  };
}
