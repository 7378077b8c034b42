/** nginx on loopback: over HTTPS and HTTP/2 with curl and aria2 as clients, or as a drive by WebDAV; no verification, no flush. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { until } from '../../packages/chordial/test/fixtures/until.ts';
import { freePort } from './free-port.ts';
import { debian, needPackages, RunningProgram, runProgram, timedProgram } from './program.ts';

export class Nginx implements AsyncDisposable {
  readonly #program: RunningProgram;
  readonly #base: string;

  private constructor(program: RunningProgram, base: string) {
    this.#program = program;
    this.#base = base;
  }

  /** Serves `served`; its own files are in `folder`. */
  static async start(folder: string, served: string, note: (text: string) => void): Promise<Nginx> {
    await needPackages([debian.nginx, debian.curl, debian.openssl], note);
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => path.join(folder, name));
    const subject = [
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=localhost',
    ];
    await runProgram('openssl', ['req', ...subject, '-days', '2', '-keyout', key ?? '', '-out', certificate ?? '']);
    const port = await freePort();
    const file = path.join(folder, 'nginx.conf');
    await writeFile(file, configuration({ folder, served, port }));
    const program = new RunningProgram('/usr/sbin/nginx', [
      '-c',
      file,
      '-p',
      folder,
      '-e',
      path.join(folder, 'errors'),
    ]);
    const base = `https://127.0.0.1:${port}`;
    await until('nginx answers', () =>
      runProgram('curl', ['-ks', '-o', '/dev/null', base]).then(
        () => true,
        () => false,
      ),
    );
    return new Nginx(program, base);
  }

  /** `served` as a drive, over plain HTTP. */
  static async drive(folder: string, served: string, note: (text: string) => void): Promise<Nginx> {
    await needPackages([debian.nginxFull, debian.curl], note);
    const port = await freePort();
    const file = path.join(folder, 'nginx-drive.conf');
    await writeFile(file, driveConfiguration({ folder, served, port }));
    const errors = path.join(folder, 'drive-errors');
    const program = new RunningProgram('/usr/sbin/nginx', ['-c', file, '-p', folder, '-e', errors]);
    const base = `http://127.0.0.1:${port}`;
    await until('nginx answers', () =>
      runProgram('curl', ['-s', '-o', '/dev/null', base]).then(
        () => true,
        () => false,
      ),
    );
    return new Nginx(program, base);
  }

  get url(): string {
    return this.#base;
  }

  /** Seconds that curl takes to write the file to `target`. */
  async curl(name: string, target: string): Promise<number> {
    await rm(target, { force: true });
    return timedProgram('curl', ['-ksf', '--http2', '-o', target, `${this.#base}/${name}`]);
  }

  /** Seconds that aria2 takes with this many connections. */
  async aria2(name: string, target: string, connections: number): Promise<number> {
    await rm(target, { force: true });
    const how = ['-q', '--check-certificate=false', '--file-allocation=none', '--allow-overwrite=true'];
    const many = ['-x', String(connections), '-s', String(connections), '-d', path.dirname(target)];
    return timedProgram('aria2c', [...how, ...many, '-o', path.basename(target), `${this.#base}/${name}`]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

/** Installs it if needed; false, with a note, if it cannot. */
export async function hasAria2(note: (text: string) => void): Promise<boolean> {
  try {
    await needPackages([debian.aria2], note);
    return true;
  } catch (error) {
    note(`aria2 left out: ${(error as Error).message}`);
    return false;
  }
}

function configuration({ folder, served, port }: { folder: string; served: string; port: number }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder};`);
  return `daemon off; worker_processes 1; pid ${folder}/nginx.pid; ${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 64; }
http {
  access_log off; sendfile on; ${temporary.join(' ')}
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${folder}/certificate.pem; ssl_certificate_key ${folder}/key.pem; ssl_protocols TLSv1.3;
    root ${served};
  }
}
`;
}

function driveConfiguration({ folder, served, port }: { folder: string; served: string; port: number }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder};`);
  return `load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
daemon off; worker_processes 1; pid ${folder}/nginx-drive.pid; ${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 64; }
http {
  access_log off; sendfile on; client_max_body_size 0; ${temporary.join(' ')}
  server {
    listen 127.0.0.1:${port};
    root ${served};
    dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS; create_full_put_path on;
  }
}
`;
}
