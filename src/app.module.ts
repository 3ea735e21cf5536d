import { Module } from '@nestjs/common';

/** The root of the composition. Holds no domain rule: it only names the modules a process runs. */
@Module({})
export class AppModule {}
