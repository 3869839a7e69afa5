const MIGRATION = { command: 'python3 /app/scripts/data-migration.py --batch=1000', user: 'app' };

const ID = 'eph-abc123def456';

export const START = {
  migration: { summary: 'Start and come back later', value: MIGRATION },
  result: {
    summary: 'Run and bring the result',
    value: { command: 'df -h /', user: 'app', wait_for_exit: true, timeout: 10 },
  },
};

const STARTED_NOW = {
  success: true,
  temporary_id: ID,
  message: 'Ephemeral program started',
  status: 'RUNNING',
  pid: 12347,
};

export const STARTED = {
  migration: { summary: 'It runs', value: STARTED_NOW },
  result: {
    summary: 'It has ended (wait_for_exit)',
    value: {
      ...STARTED_NOW,
      status: 'STOPPED',
      pid: null,
      exit_status: 0,
      stdout: 'Filesystem      Size  Used Avail Use% Mounted on\noverlay          50G   21G   27G  44% /\n',
      stderr: '',
    },
  },
};

export const STATUS = {
  temporary_id: ID,
  name: null,
  ...MIGRATION,
  status: 'RUNNING',
  pid: 12347,
  uptime: 120,
  exit_status: 0,
  created_at: '2025-01-15T10:28:00.000Z',
  expires_at: null,
  pending_cleanup: false,
};

export const STOPPED = {
  success: true,
  message: 'Ephemeral program stopped and removed',
  actions_performed: [
    'stopped via supervisorctl',
    'deleted supervisord config',
    'removed from ephemeral.json',
  ],
};
