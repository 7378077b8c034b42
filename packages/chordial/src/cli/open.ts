/** `chordial open`: opens the page of the running peer through a one-time link. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { runtimeFolder, writeRuntimeFile } from '../storage/runtime-folder.ts';
import type { ApiClient } from './client.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';

interface OpenOptions extends CommonOptions, PeerOptions {
  readonly print?: boolean;
}

const forwardingFile = 'open.html';

export function openCommand(): Command {
  return peerCommand('open', 'opens the page of the running peer in a browser', 'chordial open --print')
    .option('--print', 'only prints the link, valid once within ten minutes')
    .action(async (options: OpenOptions) => {
      const { client } = await findPeer(options);
      const url = await pageLinkOf(client);
      if (options.json === true) return sayJson({ url });
      const isOpened = options.print !== true && (await openInBrowser(url));
      if (isOpened) return note('opened in your browser; for another one: chordial open --print');
      say(url);
    });
}

/** `http://HOST:PORT/#t=…`: the fragment never leaves the browser. */
export async function pageLinkOf(client: ApiClient): Promise<string> {
  const { token } = await client.call('POST /api/v1/session/links');
  return `${client.url}/#t=${token}`;
}

/** False without a browser. The link is passed in a private file, since arguments are visible to all users. */
async function openInBrowser(url: string): Promise<boolean> {
  const program = browserProgram();
  if (program === null) return false;
  const link = JSON.stringify(url).replaceAll('<', '\\u003c');
  await writeRuntimeFile(
    forwardingFile,
    `<!doctype html><title>Chordial</title><script>location.replace(${link})</script>\n`,
  );
  const place = pathToFileURL(path.join(runtimeFolder(), forwardingFile)).href;
  return new Promise((resolve) => {
    const child = spawn(program, [place], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

/** Null on a machine without a desktop. */
function browserProgram(): string | null {
  if (process.platform === 'darwin') return 'open';
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return process.platform === 'linux' && (DISPLAY || WAYLAND_DISPLAY) ? 'xdg-open' : null;
}
