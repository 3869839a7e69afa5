import { userInfo } from 'node:os';
import type { ConfigRepository } from '../config-store/config-repository';
import type { EphemeralProgram } from '../domain/program';
import { ProgramLocks } from '../instances/program-locks';
import { QuickStartService } from './quick-start.service';

type Parts = ConstructorParameters<typeof QuickStartService>;

/** Only as much of the service as a launch needs until the limit is checked. */
function serviceWith(running: number, ended: number): QuickStartService {
  const program = (ended_at: string | null) => ({ ended_at }) as EphemeralProgram;
  const programs = [
    ...Array.from({ length: running }, () => program(null)),
    ...Array.from({ length: ended }, () => program(new Date(0).toISOString())),
  ];
  const repository: Partial<ConfigRepository> = {
    updateEphemerals: async (change) => {
      change(programs);
      await Promise.resolve();
      throw new Error('accepted');
    },
  };
  const gateway = { requireConnection: () => undefined, epoch: 'one' };
  return new QuickStartService(
    repository as Parts[0],
    gateway as unknown as Parts[1],
    {} as Parts[2],
    {} as Parts[3],
    new ProgramLocks(),
    {} as Parts[5],
    { socket: null, port: 9010 } as Parts[6],
  );
}

describe('a launch', () => {
  const request = { command: 'true', user: userInfo().username };

  it('is refused while 1000 ephemeral programs run', async () => {
    await expect(serviceWith(1000, 0).launch(request)).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
      message: expect.stringContaining('1000 ephemeral programs are running'),
    });
  });

  it('is not refused on account of those that have ended', async () => {
    await expect(serviceWith(999, 500).launch(request)).rejects.toThrow('accepted');
  });
});
