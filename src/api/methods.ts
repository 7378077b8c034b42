/** The methods of each path, to answer a wrong one with the allowed ones (RFC 9110, section 15.5.6). */
import type { FastifyInstance } from 'fastify';

/** Must be called before the routes are declared. */
export function collectMethods(app: FastifyInstance): (path: string) => readonly string[] {
  const routes: { readonly url: string; readonly path: RegExp; readonly methods: Set<string> }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const known = routes.find((route) => route.url === url);
    const methods = known?.methods ?? new Set();
    for (const one of Array.isArray(method) ? method : [method]) methods.add(one);
    if (known === undefined) routes.push({ url, path: pattern(url), methods });
  });
  return (path) => {
    const found = routes.filter((route) => route.path.test(path)).flatMap((route) => [...route.methods]);
    return [...new Set(found)].sort();
  };
}

/** `/api/v1/files/:name` → one path segment in place of the name. */
function pattern(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}
