import { Inject, Injectable } from '@nestjs/common';
import { assertPortRange } from '../domain/port-range';
import type { Program } from '../domain/program';
import { SETTINGS, type Settings } from '../settings/settings';
import { definitionOf } from '../supervisor/process-definition';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { requireUser } from '../supervisor/system-users';
import { assertCoherent } from '../validation/assert-coherent';
import { assertWebhooks } from '../webhooks/webhook-config';

/** The rules of a program that need more than its fields' types. */
@Injectable()
export class ProgramChecks {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly gateway: SupervisorGateway,
  ) {}

  /** @throws DaemonError INVALID_PORT_RANGE, VALIDATION_ERROR, USER_NOT_FOUND, USER_NOT_ALLOWED */
  async assertValid(program: Program): Promise<void> {
    assertPortRange(program.port_range, this.settings.socket === null ? this.settings.port : null);
    assertCoherent(program);
    if (program.webhooks) assertWebhooks(program.webhooks, this.settings.webhookAllowPrivate);
    await requireUser(program.user);
  }

  /** Asks supervisord's own parser, too. @throws DaemonError SUPERVISORD_ERROR */
  async assertAcceptable(program: Program): Promise<void> {
    if (program.enabled) await this.gateway.check(definitionOf(program));
  }
}
