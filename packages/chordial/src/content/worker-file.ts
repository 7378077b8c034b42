import path from 'node:path';

/**
 * Path of a worker thread's program: a `.ts` file in the sources, a `.js` file in the package, each beside the file
 * that starts it.
 * @param starter `import.meta.filename` of the file that starts the worker
 * @param name of the worker's file, without extension
 */
export function workerFile(starter: string, name: string): string {
  return path.join(path.dirname(starter), `${name}${path.extname(starter)}`);
}
