import { Global, Module } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { StatePaths } from '../config-store/state-paths';
import { SETTINGS, type Settings } from '../settings/settings';
import { AttachedSupervisor } from './attached-supervisor';
import { EmbeddedSupervisor } from './embedded-supervisor';
import { SupervisorGateway } from './supervisor-gateway';
import { findSupervisord } from './supervisord-program';
import { XmlRpcSupervisorGateway } from './xml-rpc-supervisor.gateway';

@Global()
@Module({
  providers: [
    {
      provide: SupervisorGateway,
      // The repository comes first, because with it come the checks and the lock of the state directory: nothing
      // may be written to a folder that turns out to be somebody else's.
      inject: [SETTINGS, StatePaths, ConfigRepository],
      useFactory: (settings: Settings, paths: StatePaths): SupervisorGateway => {
        const host = settings.attached
          ? new AttachedSupervisor(settings.attached, paths)
          : new EmbeddedSupervisor(findSupervisord(settings), paths);
        return new XmlRpcSupervisorGateway(host, paths);
      },
    },
  ],
  exports: [SupervisorGateway],
})
export class SupervisorModule {}
