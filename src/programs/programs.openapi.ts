import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { ErrorCode } from '../domain/errors';
import { HistoryDto } from '../history/history.dto';
import { DescribeLogs, DescribeLogStream } from '../logs/logs.openapi';
import { ErrorResponses, NoOptions, ProgramIdParam } from '../openapi/shared-decorators';
import { FleetStatusDto, ProgramStatusDto } from '../status/dto/status.dto';
import { RestartProgramDto, StartProgramDto, StopProgramDto } from './dto/action-options.dto';
import { ActionResultDto } from './dto/action-result.dto';
import { AddProgramDto as AddBody, EditProgramDto as EditBody } from './dto/program-input.dto';
import { ListedProgramDto, ProgramDto } from './dto/program.dto';
import { RestoreDto } from './dto/restore.dto';
import {
  BackupDto,
  ProgramChangedDto,
  ProgramDisabledDto,
  ProgramEnabledDto,
  ProgramRemovedDto,
  ResetDto,
} from './dto/program-results.dto';
import * as examples from './programs.examples';

const BAD_PROGRAM: ErrorCode[] = [
  'VALIDATION_ERROR',
  'INVALID_PORT_RANGE',
  'USER_NOT_FOUND',
  'USER_NOT_ALLOWED',
];
const BAD_TARGET: ErrorCode[] = [
  'VALIDATION_ERROR',
  'PORT_REQUIRED',
  'PORT_NOT_IN_RANGE',
  'PROGRAM_NOT_FOUND',
];
const UNAVAILABLE: ErrorCode[] = ['SUPERVISORD_ERROR', 'CONFIG_INVALID'];

export const Programs = (): ClassDecorator =>
  applyDecorators(ApiTags('Programs'), ApiExtraModels(ProgramStatusDto, FleetStatusDto));

export const ListPrograms = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ summary: 'List programs', description: 'In order of creation. Filters can be combined.' }),
    ApiOkResponse({
      type: ListedProgramDto,
      isArray: true,
      description: 'The programs.',
      examples: examples.LISTED,
    }),
    ErrorResponses('VALIDATION_ERROR', 'CONFIG_INVALID'),
  );

export const GetProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Get a program',
      description: 'As it is configured; what it is doing is at `/status/{id}`.',
    }),
    ProgramIdParam(),
    ApiOkResponse({ type: ProgramDto, description: 'The program.', example: examples.PROGRAM }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND', 'CONFIG_INVALID'),
  );

export const AddProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Add a program',
      description:
        'Registers it with supervisord if it is enabled; does not start it. Its id is made from its name. With ' +
        '`dry_run=true` everything is checked, by supervisord’s own parser too, and nothing is done. Where the home of ' +
        'the user does not exist and no `directory` is given, it runs in `/`.',
    }),
    ApiBody({ type: AddBody, examples: examples.ADD }),
    ApiCreatedResponse({
      type: ProgramChangedDto,
      description: 'The program, complete.',
      examples: examples.ADDED,
    }),
    ErrorResponses(...BAD_PROGRAM, 'PROGRAM_ALREADY_EXISTS', 'IDEMPOTENCY_MISMATCH', ...UNAVAILABLE),
  );

export const EditProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Edit a program',
      description:
        'A partial update: what is not sent keeps its value; `environment` and `port_range` are replaced whole, ' +
        '`webhooks` is merged. `PROGRAM_RUNNING` while it runs, except with `restart: true`: then what runs is stopped, ' +
        'changed and started again, and if the new version does not come up the old one is put back (`START_FAILED`, ' +
        '`rolled_back`). Changing only the range of a program with several instances keeps those running that stay in ' +
        'it. `enabled` alone acts like enable or disable. `dry_run=true` answers what would change.',
    }),
    ProgramIdParam(),
    ApiBody({ type: EditBody, examples: examples.EDIT }),
    ApiOkResponse({
      type: ProgramChangedDto,
      description: 'The program as it is now.',
      examples: examples.CHANGED,
    }),
    ErrorResponses(
      ...BAD_PROGRAM,
      'PROGRAM_NOT_FOUND',
      'PROGRAM_ALREADY_EXISTS',
      'PROGRAM_RUNNING',
      'START_FAILED',
      'STOP_FAILED',
      'IDEMPOTENCY_MISMATCH',
      ...UNAVAILABLE,
    ),
  );

export const RemoveProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Remove a program for good',
      description: 'Stops it first if it runs. Its log files go, too, unless `keep_logs=true`.',
    }),
    ProgramIdParam(),
    NoOptions(),
    ApiOkResponse({ type: ProgramRemovedDto, description: 'It is gone.', example: examples.REMOVED }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND', 'STOP_FAILED', ...UNAVAILABLE),
  );

export const EnableProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Enable a program',
      description: 'Registers it with supervisord. Calling it twice is safe.',
    }),
    ProgramIdParam(),
    NoOptions(),
    ApiOkResponse({ type: ProgramEnabledDto, description: 'It is enabled.', example: examples.ENABLED }),
    ErrorResponses('VALIDATION_ERROR', 'USER_NOT_FOUND', 'PROGRAM_NOT_FOUND', ...UNAVAILABLE),
  );

export const DisableProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Disable a program',
      description:
        'Stops it if it runs and takes it away from supervisord; it keeps its name and ports. Calling it twice is safe; ' +
        '`actions` lists what was really done.',
    }),
    ProgramIdParam(),
    NoOptions(),
    ApiOkResponse({ type: ProgramDisabledDto, description: 'It is disabled.', example: examples.DISABLED }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND', 'STOP_FAILED', ...UNAVAILABLE),
  );

const actionResponse = (values: Record<string, { summary: string; value: object }>): MethodDecorator =>
  ApiOkResponse({ type: ActionResultDto, description: 'What was done.', examples: values });

export const StartProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Start a program, or instances of it',
      description:
        'Answers at the verdict: it is RUNNING, or `START_FAILED` at the first failed attempt, with the cause in ' +
        '`error` and `diagnosis` and the last lines of `stderr`; nothing is tried again then. `START_TIMEOUT` leaves it ' +
        'starting. `wait: false` answers at once. `wait_for: "port"` waits until it accepts connections, too. Starting ' +
        'what runs is success. A program that exits with 0 within its `start_seconds` has failed to start.',
    }),
    ProgramIdParam(),
    ApiBody({ type: StartProgramDto, required: false, examples: examples.TARGETS }),
    actionResponse(examples.STARTED),
    ErrorResponses(...BAD_TARGET, 'PROGRAM_DISABLED', 'START_FAILED', ...UNAVAILABLE, 'START_TIMEOUT'),
  );

export const StopProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Stop a program, or instances of it',
      description:
        'Sends `stop_signal` to the whole process group, SIGKILL after `stop_seconds`, and ends what left the group. ' +
        'Stopping what is stopped is success; what is FATAL becomes STOPPED. `STOP_TIMEOUT` when `timeout` is over ' +
        'sooner: it goes on stopping. `wait: false` answers at once.',
    }),
    ProgramIdParam(),
    ApiBody({ type: StopProgramDto, required: false, examples: examples.TARGETS }),
    actionResponse(examples.STOPPED),
    ErrorResponses(...BAD_TARGET, 'STOP_FAILED', ...UNAVAILABLE, 'STOP_TIMEOUT'),
  );

export const RestartProgram = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Restart a program, or instances of it',
      description:
        'With `all` or `ports` it rolls through the running instances, one after the other or `batch` at a time, and ' +
        'stops at the first that fails (`START_FAILED`, with `restarted_ports`, `failed` and `not_restarted_ports`). ' +
        'A single one that does not run is started.',
    }),
    ProgramIdParam(),
    ApiBody({ type: RestartProgramDto, required: false, examples: examples.TARGETS }),
    actionResponse(examples.RESTARTED),
    ErrorResponses(
      ...BAD_TARGET,
      'PROGRAM_DISABLED',
      'START_FAILED',
      'STOP_FAILED',
      ...UNAVAILABLE,
      'START_TIMEOUT',
      'STOP_TIMEOUT',
    ),
  );

export const ResetPrograms = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Reset all programs to the defaults',
      description:
        'Everything custom goes, logs too; ephemeral programs stay. The state before is kept as a backup (the newest 20 ' +
        'are), which `POST /programs/restore` brings back. It is also the way out when programs.json can not be used.',
    }),
    NoOptions(),
    ApiOkResponse({ type: ResetDto, description: 'What was done.', example: examples.RESET }),
    ErrorResponses('VALIDATION_ERROR', 'STOP_FAILED', 'SUPERVISORD_ERROR'),
  );

export const RestorePrograms = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'Bring back the programs of a backup',
      description: 'Replaces all programs, which are kept as a backup in turn. Nothing is started.',
    }),
    ApiBody({ type: RestoreDto, examples: examples.RESTORE }),
    ApiOkResponse({ type: ResetDto, description: 'What was done.', example: examples.RESTORED }),
    ErrorResponses('VALIDATION_ERROR', 'NOT_FOUND', 'STOP_FAILED', ...UNAVAILABLE),
  );

export const ListBackups = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ summary: 'List the backups that a reset has left', description: 'Newest first.' }),
    ApiOkResponse({ type: BackupDto, isArray: true, description: 'The backups.', example: examples.BACKUPS }),
    ErrorResponses('VALIDATION_ERROR'),
  );

export const GetProgramLogs = (): MethodDecorator =>
  applyDecorators(DescribeLogs('Read the logs of a program'), ProgramIdParam());

export const StreamProgramLogs = (): MethodDecorator =>
  applyDecorators(DescribeLogStream('Follow the logs of a program'), ProgramIdParam());

export const GetProgramHistory = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      summary: 'What happened to a program',
      description:
        'Its last changes of state with times, exit statuses and causes, out of the last 10,000 changes of all.',
    }),
    ProgramIdParam(),
    ApiOkResponse({ type: HistoryDto, description: 'Its past.', example: examples.HISTORY }),
    ErrorResponses('VALIDATION_ERROR', 'PROGRAM_NOT_FOUND', 'CONFIG_INVALID'),
  );
