import { PROGRAM_DEFAULTS } from '../domain/program';

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

const WEB_SERVER = {
  ...PROGRAM_DEFAULTS,
  id: 'web-server',
  name: 'Web Server',
  command: 'node server.js',
  user: 'app',
  hoody_kit: true,
  port_range: { start: 3000, end: 3000 },
};

const QUEUE_WORKER = { ...PROGRAM_DEFAULTS, id: 'queue-worker', hoody_kit: false, ...ADD.worker.value };

export const PROGRAM = QUEUE_WORKER;

const WEB_SERVER_STATUS = {
  id: 'web-server',
  name: 'Web Server',
  status: 'RUNNING',
  pid: 12345,
  uptime: 3600,
  exit_status: 0,
};

export const LISTED = {
  plain: { summary: 'As they are configured', value: [WEB_SERVER] },
  status: {
    summary: 'With what they are doing (include_status)',
    value: [{ ...WEB_SERVER, status: WEB_SERVER_STATUS }],
  },
};

export const ADDED = {
  worker: {
    summary: 'A worker',
    value: { success: true, message: 'Program added successfully', program: QUEUE_WORKER },
  },
  range: {
    summary: 'An instance per port',
    value: {
      success: true,
      message: 'Program added successfully',
      program: { ...PROGRAM_DEFAULTS, id: 'api-worker', hoody_kit: false, ...ADD.range.value },
    },
  },
};

const EDITED = { ...WEB_SERVER, ...EDIT.command.value };

export const CHANGED = {
  command: {
    summary: 'Another command and port',
    value: { success: true, message: 'Program updated', program: EDITED },
  },
  dryRun: {
    summary: 'What would change (dry_run)',
    value: {
      success: true,
      message: 'Program can be updated; nothing was changed (dry run)',
      dry_run: true,
      program: EDITED,
      changes: [
        { field: 'command', from: WEB_SERVER.command, to: EDITED.command },
        { field: 'port_range', from: WEB_SERVER.port_range, to: EDITED.port_range },
      ],
      would_restart: [],
    },
  },
};

export const REMOVED = { success: true, message: 'Program removed permanently', was_running: false };

export const ENABLED = { success: true, message: 'Program enabled and registered with supervisord' };

export const DISABLED = {
  success: true,
  message: 'Program disabled',
  was_running: true,
  actions: ['stopped', 'removed from supervisord'],
};

const BACKUP = 'programs.backup-2025-01-15T10-30-00-000Z.json';

export const RESET = {
  success: true,
  message: 'Programs reset to defaults',
  actions_performed: [
    'stopped all managed programs',
    'removed supervisord configs',
    'applied programs.default.json',
  ],
  programs_count: 5,
  backup: BACKUP,
};

export const RESTORE = { backup: { summary: 'A backup', value: { backup: BACKUP } } };

export const RESTORED = {
  success: true,
  message: 'Programs restored from backup',
  actions_performed: ['stopped all managed programs', 'removed supervisord configs', `applied ${BACKUP}`],
  programs_count: 7,
  backup: 'programs.backup-2025-01-15T11-00-00-000Z.json',
};

export const BACKUPS = [{ backup: BACKUP, created_at: '2025-01-15T10:30:00.000Z' }];

const CRASH = {
  id: '1785000000000042',
  time: '2025-01-15T10:30:00.000Z',
  port: null,
  from: 'RUNNING',
  to: 'FATAL',
  pid: null,
  exit_status: 1,
  spawn_error: 'Exited with code 1 after 12 s',
};

export const HISTORY = {
  transitions: [CRASH],
  crashes_last_hour: 1,
  last_crash: CRASH,
  restarts_last_hour: 0,
};
