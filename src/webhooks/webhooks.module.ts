import { Module } from '@nestjs/common';
import { WebhookDispatcher } from './webhook-dispatcher';
import { WebhooksController } from './webhooks.controller';

/** Needs ChangeFeed, ConfigRepository, SETTINGS and FailureDetails from global modules. */
@Module({ controllers: [WebhooksController], providers: [WebhookDispatcher], exports: [WebhookDispatcher] })
export class WebhooksModule {}
