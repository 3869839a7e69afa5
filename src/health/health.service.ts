import { Injectable } from '@nestjs/common';
import { ConfigRepository } from '../config-store/config-repository';
import { SupervisorGateway } from '../supervisor/supervisor-gateway';
import { VERSION } from '../version';
import type { HealthDto } from './dto/health.dto';

/** What can be concluded about the service's health. */
@Injectable()
export class HealthService {
  constructor(
    private readonly gateway: SupervisorGateway,
    private readonly repository: ConfigRepository,
  ) {}

  health(): HealthDto {
    const { trouble, mode } = this.gateway;
    const { problem } = this.repository;
    const problems = [
      ...(trouble === null ? [] : [`supervisord can't be reached: ${trouble}`]),
      ...(problem === null ? [] : [problem.message]),
    ];
    return {
      status: problems.length === 0 ? 'healthy' : 'unhealthy',
      service: 'hoody-daemon',
      version: VERSION,
      timestamp: new Date().toISOString(),
      uptime: Math.floor(process.uptime()),
      checks: {
        supervisord: trouble === null ? 'connected' : 'disconnected',
        config: problem === null ? 'valid' : 'invalid',
      },
      mirror: mode,
      ...(problems.length > 0 && { problems }),
    };
  }
}
