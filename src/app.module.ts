import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import { ConfigStoreModule } from './config-store/config-store.module';
import { ChangeFeed } from './events/change-feed';
import { EventsModule } from './events/events.module';
import { HealthModule } from './health/health.module';
import { KnownQueryGuard } from './http/known-query.guard';
import { EventStreams } from './http/sse';
import { InstancesModule } from './instances/instances.module';
import { FailureLog } from './logging/failure-log';
import { loggerOptions } from './logging/logger-options';
import { MetricsModule } from './metrics/metrics.module';
import { ProgramsModule } from './programs/programs.module';
import { QuickStartModule } from './quick-start/quick-start.module';
import { ReconcileModule } from './reconcile/reconcile.module';
import { SettingsModule } from './settings/settings.module';
import type { Settings } from './settings/settings';
import { StatusModule } from './status/status.module';
import { SupervisorModule } from './supervisor/supervisor.module';
import { WebhooksModule } from './webhooks/webhooks.module';

/** What every feature may use. */
@Global()
@Module({ providers: [ChangeFeed, EventStreams], exports: [ChangeFeed, EventStreams] })
class SharedModule {}

@Module({})
export class AppModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.forRoot(settings),
        LoggerModule.forRoot(loggerOptions(settings)),
        SharedModule,
        ConfigStoreModule,
        SupervisorModule,
        InstancesModule,
        ReconcileModule,
        ProgramsModule,
        QuickStartModule,
        StatusModule,
        EventsModule,
        WebhooksModule,
        MetricsModule,
        HealthModule,
      ],
      providers: [FailureLog, { provide: APP_GUARD, useClass: KnownQueryGuard }],
    };
  }
}
