import path from 'node:path';

/**
 * Where the program of a worker thread is: in the sources a `.ts` file, in the package a `.js` file, each beside the file
 * that starts it.
 * @param starter `import.meta.filename` of the file that starts the worker.
 * @param name of the worker's file, without extension.
 */
export function workerFile(starter: string, name: string): string {
  return path.join(path.dirname(starter), `${name}${path.extname(starter)}`);
}
