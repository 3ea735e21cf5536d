#!/usr/bin/env node
import { runProgram } from './program.js';
import { processTerminal } from './view/terminal.js';

// `dormouse … | head` closes our output early: that is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const code = await runProgram(process.argv.slice(2), processTerminal());
if (code !== undefined) process.exitCode = code;
