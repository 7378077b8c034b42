/** Where the launcher enters: sets up the cache of compiled code, then loads the program, so that all of it is cached. */
import { keepCompiledCode } from './compiled-code.ts';

keepCompiledCode();
const { run } = await import('./program.ts');
process.exitCode = await run(process.argv.slice(2));
