import { Service } from '../support/service';

const PORTS = { webServer: 22010, busy: 22011, range: { start: 22020, end: 22022 } };
const PID = expect.any(Number);
const ISO_TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);

/** Each answer holds what the reference shows, by name, type and string; more fields may stand beside them. */
describe('the workflows of the reference', () => {
  let service: Service;
  beforeAll(async () => void (service = await Service.start()));
  afterAll(() => service.dispose());

  async function post(path: string, body?: unknown, status = 200) {
    const answer = await service.post(path, body);
    expect(answer).toMatchObject({ status });
    return answer.body;
  }

  async function get(path: string) {
    const answer = await service.get(path);
    expect(answer).toMatchObject({ status: 200 });
    return answer.body;
  }

  it('1: checks the health, lists the programs and their states', async () => {
    expect(await get('health')).toMatchObject({
      status: 'healthy',
      service: 'hoody-daemon',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      timestamp: ISO_TIME,
      uptime: expect.any(Number),
      checks: { supervisord: 'connected', config: 'valid' },
    });
    const programs = await get('programs');
    expect(programs).toHaveLength(5);
    for (const program of programs)
      expect(program).toMatchObject({
        id: expect.stringMatching(/^[a-z0-9-]+$/),
        name: expect.any(String),
        command: expect.any(String),
        user: expect.any(String),
        enabled: true,
        hoody_kit: true,
        port_range: { start: expect.any(Number), end: expect.any(Number) },
      });
    const states = await get('status');
    expect(states).toEqual(
      programs.map(({ id, name }: { id: string; name: string }) => ({
        id,
        name,
        status: 'STOPPED',
        pid: null,
        uptime: 0,
        exit_status: 0,
      })),
    );
  });

  describe('2: adds and starts a custom program', () => {
    const worker = {
      name: 'queue-worker',
      command: 'i=0; while :; do i=$((i+1)); echo "Completed: job-$i"; sleep 1000 & wait; done',
      user: 'root',
      port_range: { start: 0, end: 0 },
    };
    let pid: number;

    it('adds it', async () => {
      expect(await post('programs/add', worker, 201)).toMatchObject({
        success: true,
        message: 'Program added successfully',
        program: { id: 'queue-worker', ...worker, enabled: true },
      });
    });

    it('starts it', async () => {
      const started = await post('programs/queue-worker/start');
      expect(started).toEqual({ success: true, message: 'Program started', status: 'RUNNING', pid: PID });
      pid = started.pid;
    });

    it('sees it run', async () => {
      expect(await get('status/queue-worker')).toEqual({
        id: 'queue-worker',
        name: 'queue-worker',
        status: 'RUNNING',
        pid,
        uptime: expect.any(Number),
        exit_status: 0,
      });
    });

    it('reads its logs', async () => {
      expect(await get('programs/queue-worker/logs')).toEqual({ stdout: 'Completed: job-1\n', stderr: '' });
    });
  });

  describe('3: runs an ephemeral program', () => {
    const command = 'echo "Processing batch 1/10..."; sleep 1000';
    let id: string;

    it('starts it', async () => {
      const started = await post('quick-start', { command, user: 'nobody' }, 201);
      expect(started).toMatchObject({
        success: true,
        temporary_id: expect.stringMatching(/^eph-[a-z0-9]{12}$/),
        message: 'Ephemeral program started',
        status: 'RUNNING',
      });
      id = started.temporary_id;
    });

    it('sees it run', async () => {
      expect(await get(`quick-start/${id}/status`)).toMatchObject({
        temporary_id: id,
        command,
        status: 'RUNNING',
        pid: PID,
        uptime: expect.any(Number),
      });
    });

    it('reads its logs', async () => {
      const logs = await service.until(`quick-start/${id}/logs`, ({ stdout }) => stdout !== '');
      expect(logs).toEqual({ stdout: 'Processing batch 1/10...\n', stderr: '' });
    });

    it('stops it, and nothing is left', async () => {
      expect(await post(`quick-start/${id}/stop`)).toEqual({
        success: true,
        message: 'Ephemeral program stopped and removed',
        actions_performed: [
          'stopped via supervisorctl',
          'deleted supervisord config',
          'removed from ephemeral.json',
        ],
      });
      expect(await get('quick-start')).toEqual([]);
    });
  });

  describe('4: disables, edits, enables and removes a program', () => {
    const edited = {
      name: 'queue-worker',
      command: 'sleep 2000',
      user: 'root',
      port_range: { start: 0, end: 0 },
    };

    it('disables it', async () => {
      expect(await post('programs/queue-worker/disable')).toEqual({
        success: true,
        message: 'Program disabled',
        was_running: true,
        actions: ['stopped', 'removed from supervisord'],
      });
    });

    it('edits it', async () => {
      expect(await post('programs/edit/queue-worker', edited)).toMatchObject({
        success: true,
        message: 'Program updated',
        program: { id: 'queue-worker', ...edited, enabled: false },
      });
    });

    it('enables it', async () => {
      expect(await post('programs/queue-worker/enable')).toEqual({
        success: true,
        message: 'Program enabled and registered with supervisord',
      });
    });

    it('removes it', async () => {
      expect(await post('programs/remove/queue-worker')).toEqual({
        success: true,
        message: 'Program removed permanently',
        was_running: false,
      });
    });
  });

  describe('advanced 1: runs an instance per port', () => {
    const worker = {
      name: 'api-worker',
      command: 'exec python3 -m http.server {{PORT}} --bind 127.0.0.1',
      user: 'nobody',
      port_range: PORTS.range,
    };

    it('adds it', async () => {
      expect(await post('programs/add', { ...worker, directory: '/' }, 201)).toMatchObject({
        success: true,
        message: 'Program added successfully',
        program: { id: 'api-worker', ...worker, enabled: true },
      });
    });

    it('starts one instance, which listens on its port', async () => {
      const { start: port } = PORTS.range;
      const started = await post('programs/api-worker/start', { port, wait_for: 'port' });
      expect(started).toMatchObject({
        success: true,
        message: 'Program instance started',
        port,
        status: 'RUNNING',
        pid: PID,
      });
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    });

    it('sees the states of all', async () => {
      const stopped = { status: 'STOPPED', pid: null, uptime: 0 };
      expect(await get('status/api-worker')).toMatchObject({
        id: 'api-worker',
        name: 'api-worker',
        instances: [
          { port: 22020, status: 'RUNNING', pid: PID, uptime: expect.any(Number) },
          { port: 22021, ...stopped },
          { port: 22022, ...stopped },
        ],
      });
    });

    it('stops all', async () => {
      await post('programs/api-worker/start', { all: true });
      expect(await post('programs/api-worker/stop', { all: true })).toEqual({
        success: true,
        message: 'All instances stopped',
        stopped_ports: [22020, 22021, 22022],
      });
    });
  });

  describe('advanced 3: recovers from an error', () => {
    const listen = (port: number) =>
      `exec python3 -c 'import socket,time; s=socket.create_server(("127.0.0.1",${port})); time.sleep(1000)'`;

    beforeAll(async () => {
      const held = await service.add({
        command: listen(PORTS.webServer),
        port_range: { start: PORTS.webServer, end: PORTS.webServer },
      });
      await post(`programs/${held}/start`, { wait_for: 'port' });
      const fields = { name: 'Web Server', user: 'nobody', command: listen(PORTS.webServer) };
      await post('programs/add', { ...fields, directory: '/' }, 201);
      expect((await service.post('programs/web-server/start')).body.code).toBe('START_FAILED');
    });

    it('finds the one that failed', async () => {
      const states: { id: string }[] = await get('status');
      expect(states.find(({ id }) => id === 'web-server')).toEqual({
        id: 'web-server',
        name: 'Web Server',
        status: 'FATAL',
        pid: null,
        uptime: 0,
        exit_status: 1,
        spawn_error: expect.stringContaining(`Failed to start: port ${PORTS.webServer} already in use`),
      });
    });

    it('reads why in its logs', async () => {
      expect(await get('programs/web-server/logs')).toEqual({
        stdout: '',
        stderr: expect.stringContaining('Address already in use'),
      });
    });

    it('stops it', async () => {
      expect(await post('programs/web-server/stop')).toEqual({ success: true, message: 'Program stopped' });
    });

    it('edits it and starts it', async () => {
      const fixed = {
        name: 'web-server',
        command: listen(PORTS.busy),
        user: 'nobody',
        port_range: { start: PORTS.busy, end: PORTS.busy },
      };
      expect(await post('programs/edit/web-server', fixed)).toMatchObject({
        success: true,
        message: 'Program updated',
        program: { id: 'web-server', ...fixed, enabled: true },
      });
      expect(await post('programs/web-server/start')).toEqual({
        success: true,
        message: 'Program started',
        status: 'RUNNING',
        pid: PID,
      });
    });
  });

  describe('advanced 2: resets to the defaults', () => {
    it('and lists them', async () => {
      expect(await post('programs/reset')).toMatchObject({
        success: true,
        message: 'Programs reset to defaults',
        actions_performed: [
          'stopped all managed programs',
          'removed supervisord configs',
          'applied programs.default.json',
        ],
        programs_count: 5,
      });
      const programs = await get('programs');
      expect(programs).toHaveLength(5);
      expect(programs[0]).toMatchObject({
        id: 'apache2',
        name: 'Apache2',
        command: '/usr/sbin/apache2ctl -D FOREGROUND',
        user: 'root',
        enabled: true,
        hoody_kit: true,
        port_range: { start: 0, end: 0 },
      });
    });
  });
});
