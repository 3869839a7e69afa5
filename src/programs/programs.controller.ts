import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ConfigRepository } from '../config-store/config-repository';
import { onePort } from '../domain/instance-port';
import { HistoryQueryDto, type HistoryDto } from '../history/history.dto';
import { HistoryService } from '../history/history.service';
import { Idempotent } from '../idempotency/idempotent.decorator';
import type { LogsDto } from '../logs/dto/logs.dto';
import { LogsQueryDto, LogStreamQueryDto } from '../logs/dto/logs-query.dto';
import { LogsService } from '../logs/logs.service';
import type { Instance } from '../supervisor/instance';
import { RestartProgramDto, StartProgramDto, StopProgramDto } from './dto/action-options.dto';
import type { ActionResultDto } from './dto/action-result.dto';
import { EmptyBodyDto } from '../validation/empty-body.dto';
import { RestoreDto } from './dto/restore.dto';
import {
  AddProgramDto,
  DryRunQueryDto,
  EditProgramDto,
  ListProgramsQueryDto,
  RemoveQueryDto,
} from './dto/program-input.dto';
import type { ListedProgramDto, ProgramDto } from './dto/program.dto';
import type {
  BackupDto,
  ProgramChangedDto,
  ProgramDisabledDto,
  ProgramEnabledDto,
  ProgramRemovedDto,
  ResetDto,
} from './dto/program-results.dto';
import { ProgramActionsService } from './program-actions.service';
import { ProgramEditorService } from './program-editor.service';
import { ProgramResetService } from './program-reset.service';
import * as Describe from './programs.openapi';
import { ProgramsService } from './programs.service';

@Controller('programs')
@Describe.Programs()
export class ProgramsController {
  constructor(
    private readonly programs: ProgramsService,
    private readonly actions: ProgramActionsService,
    private readonly editor: ProgramEditorService,
    private readonly resets: ProgramResetService,
    private readonly logs: LogsService,
    private readonly history: HistoryService,
    private readonly repository: ConfigRepository,
  ) {}

  @Get()
  @Describe.ListPrograms()
  listPrograms(
    @Query() query: ListProgramsQueryDto,
    @Req() { caller }: FastifyRequest,
  ): Promise<ListedProgramDto[]> {
    return this.programs.list(query, caller.role === 'admin');
  }

  @Get('backups')
  @Describe.ListBackups()
  listBackups(): Promise<BackupDto[]> {
    return this.resets.backups();
  }

  @Get(':id')
  @Describe.GetProgram()
  getProgram(@Param('id') id: string, @Req() { caller }: FastifyRequest): ProgramDto {
    return this.programs.get(id, caller.role === 'admin');
  }

  @Post('add')
  @Idempotent()
  @Describe.AddProgram()
  addProgram(@Body() program: AddProgramDto, @Query() query: DryRunQueryDto): Promise<ProgramChangedDto> {
    return this.programs.add(program, query.dry_run ?? false);
  }

  @Post('edit/:id')
  @HttpCode(HttpStatus.OK)
  @Idempotent()
  @Describe.EditProgram()
  editProgram(
    @Param('id') id: string,
    @Body() edit: EditProgramDto,
    @Query() query: DryRunQueryDto,
  ): Promise<ProgramChangedDto> {
    return this.editor.edit(id, edit, query.dry_run ?? false);
  }

  @Post('remove/:id')
  @HttpCode(HttpStatus.OK)
  @Describe.RemoveProgram()
  removeProgram(
    @Param('id') id: string,
    @Body() _body: EmptyBodyDto,
    @Query() query: RemoveQueryDto,
  ): Promise<ProgramRemovedDto> {
    return this.programs.remove(id, query.keep_logs ?? false);
  }

  @Post('reset')
  @HttpCode(HttpStatus.OK)
  @Describe.ResetPrograms()
  resetPrograms(@Body() _body: EmptyBodyDto): Promise<ResetDto> {
    return this.resets.reset();
  }

  @Post('restore')
  @HttpCode(HttpStatus.OK)
  @Describe.RestorePrograms()
  restorePrograms(@Body() { backup }: RestoreDto): Promise<ResetDto> {
    return this.resets.restore(backup);
  }

  @Post(':id/enable')
  @HttpCode(HttpStatus.OK)
  @Describe.EnableProgram()
  enableProgram(@Param('id') id: string, @Body() _body: EmptyBodyDto): Promise<ProgramEnabledDto> {
    return this.programs.enable(id);
  }

  @Post(':id/disable')
  @HttpCode(HttpStatus.OK)
  @Describe.DisableProgram()
  disableProgram(@Param('id') id: string, @Body() _body: EmptyBodyDto): Promise<ProgramDisabledDto> {
    return this.programs.disable(id);
  }

  @Post(':id/start')
  @HttpCode(HttpStatus.OK)
  @Describe.StartProgram()
  startProgram(@Param('id') id: string, @Body() options: StartProgramDto): Promise<ActionResultDto> {
    return this.actions.start(id, options);
  }

  @Post(':id/stop')
  @HttpCode(HttpStatus.OK)
  @Describe.StopProgram()
  stopProgram(@Param('id') id: string, @Body() options: StopProgramDto): Promise<ActionResultDto> {
    return this.actions.stop(id, options);
  }

  @Post(':id/restart')
  @HttpCode(HttpStatus.OK)
  @Describe.RestartProgram()
  restartProgram(@Param('id') id: string, @Body() options: RestartProgramDto): Promise<ActionResultDto> {
    return this.actions.restart(id, options);
  }

  @Get(':id/logs')
  @Describe.GetProgramLogs()
  getProgramLogs(@Param('id') id: string, @Query() query: LogsQueryDto): Promise<LogsDto> {
    return this.logs.read(this.instance(id, query.port), query);
  }

  @Get(':id/logs/stream')
  @Describe.StreamProgramLogs()
  streamProgramLogs(
    @Param('id') id: string,
    @Query() query: LogStreamQueryDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Headers('last-event-id') lastEventId?: string,
  ): void {
    this.logs.stream(this.instance(id, query.port), query, request, reply, lastEventId);
  }

  @Get(':id/history')
  @Describe.GetProgramHistory()
  getProgramHistory(@Param('id') id: string, @Query() query: HistoryQueryDto): HistoryDto {
    this.repository.program(id);
    return this.history.history(id, { port: query.port, limit: query.limit ?? 100 });
  }

  private instance(id: string, port: number | undefined): Instance {
    return { owner: id, port: onePort(this.repository.program(id), port) };
  }
}
