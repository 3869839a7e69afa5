import { Service } from '../support/service';

describe('a program over HTTP', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  it('is added, started, seen, read, stopped and removed', async () => {
    const id = await service.add({ command: 'echo ready; exec sleep 1000', start_seconds: 1 });
    const started = await service.post(`programs/${id}/start`);
    expect(started.body).toEqual({
      success: true,
      message: 'Program started',
      status: 'RUNNING',
      pid: expect.any(Number),
    });
    expect((await service.get(`status/${id}`)).body).toMatchObject({
      status: 'RUNNING',
      pid: started.body.pid,
    });
    expect((await service.get(`programs/${id}/logs`)).body).toEqual({ stdout: 'ready\n', stderr: '' });
    expect((await service.post(`programs/${id}/stop`)).body).toEqual({
      success: true,
      message: 'Program stopped',
    });
    const removed = await service.post(`programs/remove/${id}`);
    expect(removed.body).toEqual({
      success: true,
      message: 'Program removed permanently',
      was_running: false,
    });
    expect((await service.get(`programs/${id}`)).status).toBe(404);
  });
});
