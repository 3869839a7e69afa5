import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { DaemonError } from '../domain/errors';
import type { Instance } from '../supervisor/instance';
import { instanceOf } from './quick-start.service';

/** Which instance a reader of an ephemeral program's logs means. */
@Injectable()
export class EphemeralInstances {
  constructor(private readonly repository: ConfigRepository) {}

  /** @throws DaemonError PROGRAM_NOT_FOUND, PORT_NOT_IN_RANGE */
  instance(id: string, port: number | undefined): Instance {
    const instance = instanceOf(this.repository.ephemeral(id));
    if (port !== undefined && port !== instance.port)
      throw new DaemonError('PORT_NOT_IN_RANGE', `Ephemeral program "${id}" does not have port ${port}.`);
    return instance;
  }
}
