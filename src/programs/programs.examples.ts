const NO_PORT = { start: 0, end: 0 };

export const ADD = {
  worker: {
    summary: 'A worker',
    value: {
      name: 'queue-worker',
      command: 'php artisan queue:work --sleep=3 --tries=3',
      user: 'app',
      port_range: NO_PORT,
    },
  },
  range: {
    summary: 'An instance per port',
    value: {
      name: 'api-worker',
      command: 'node /app/server.js --port={{PORT}}',
      user: 'app',
      port_range: { start: 3001, end: 3010 },
    },
  },
};

export const EDIT = {
  command: {
    summary: 'Another command and port',
    value: { command: 'node server.js --port=3001', port_range: { start: 3001, end: 3001 } },
  },
  restart: {
    summary: 'Change what runs, or keep what works',
    value: { command: 'node server-2.js', restart: true },
  },
};

export const TARGETS = {
  plain: { summary: 'A program with one process', value: {} },
  instance: { summary: 'One instance', value: { port: 3001 } },
  some: { summary: 'Some instances', value: { ports: [3001, '3005-3010'] } },
  all: { summary: 'All instances', value: { all: true } },
};

export const STARTED = {
  single: {
    summary: 'A program with one process',
    value: { success: true, message: 'Program started', status: 'RUNNING', pid: 12346 },
  },
  instance: {
    summary: 'One instance',
    value: { success: true, message: 'Program instance started', port: 3001, status: 'RUNNING', pid: 12350 },
  },
  running: {
    summary: 'It runs already',
    value: {
      success: true,
      message: 'Program already running',
      status: 'RUNNING',
      pid: 12346,
      already_running: true,
    },
  },
  all: {
    summary: 'All instances',
    value: { success: true, message: 'All instances started', started_ports: [3001, 3002, 3003] },
  },
};

export const STOPPED = {
  single: { summary: 'A program with one process', value: { success: true, message: 'Program stopped' } },
  instance: {
    summary: 'One instance',
    value: { success: true, message: 'Program instance stopped', port: 3001 },
  },
  all: {
    summary: 'All instances',
    value: { success: true, message: 'All instances stopped', stopped_ports: [3001, 3002, 3003] },
  },
};

export const RESTARTED = {
  single: {
    summary: 'A program with one process',
    value: { success: true, message: 'Program restarted', status: 'RUNNING', pid: 12351 },
  },
  all: {
    summary: 'All instances',
    value: { success: true, message: 'All instances restarted', restarted_ports: [3001, 3002, 3003] },
  },
};
