import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { ErrorResponses, ProgramIdParam } from '../openapi/shared-decorators';
import { FleetStatusDto, ProgramStatusDto } from './dto/status.dto';

const STATUS_SCHEMA = {
  oneOf: [{ $ref: getSchemaPath(ProgramStatusDto) }, { $ref: getSchemaPath(FleetStatusDto) }],
};

const EXAMPLES = {
  single: {
    summary: 'A program with one process',
    value: {
      id: 'web-server',
      name: 'Web Server',
      status: 'RUNNING',
      pid: 12345,
      uptime: 3600,
      exit_status: 0,
    },
  },
  failed: {
    summary: 'A program that did not come up',
    value: {
      id: 'web-server',
      name: 'Web Server',
      status: 'FATAL',
      pid: null,
      uptime: 0,
      exit_status: 1,
      spawn_error: 'Failed to start: port 3000 already in use by pid 812 (node server.js)',
    },
  },
  range: {
    summary: 'A program with an instance per port',
    value: {
      id: 'api-worker',
      name: 'api-worker',
      instances: [
        { port: 3001, status: 'RUNNING', pid: 12350, uptime: 60, exit_status: 0 },
        { port: 3002, status: 'STOPPED', pid: null, uptime: 0, exit_status: 0 },
      ],
    },
  },
};

export const DescribeStatus = (): ClassDecorator =>
  applyDecorators(ApiTags('Status'), ApiExtraModels(ProgramStatusDto, FleetStatusDto));

export const DescribeListStatus = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'What every program is doing',
      description:
        'Read from memory: cheap enough to poll. Disabled programs are STOPPED. When supervisord can not be asked, ' +
        'the status is UNKNOWN and the answer is still 200.',
    }),
    ApiOkResponse({
      description: 'The state of each program.',
      content: {
        'application/json': {
          schema: { type: 'array', items: STATUS_SCHEMA },
          example: Object.values(EXAMPLES).map(({ value }) => value),
        },
      },
    }),
    ErrorResponses('VALIDATION_ERROR', 'CONFIG_INVALID'),
  );

export const DescribeGetStatus = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'What one program is doing',
      description: 'Read from memory. A program with a range of ports has `instances`, one for each port.',
    }),
    ProgramIdParam(),
    ApiOkResponse({
      description: 'Its state, or the states of its instances.',
      content: { 'application/json': { schema: STATUS_SCHEMA, examples: EXAMPLES } },
    }),
    ErrorResponses('VALIDATION_ERROR', 'PORT_NOT_IN_RANGE', 'PROGRAM_NOT_FOUND', 'CONFIG_INVALID'),
  );
