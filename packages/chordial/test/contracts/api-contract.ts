/** Validates responses against the OpenAPI document: status, type, and body without undocumented fields. */
import assert from 'node:assert/strict';
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenApiDocument } from '../../src/api/open-api.ts';

interface Told {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, Told>>;
}

export class ApiContract {
  readonly #document: OpenApiDocument;
  readonly #validators = new Ajv2020({ strict: false, allErrors: true });
  readonly called = new Set<string>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    const schemas = document.components.schemas;
    this.#validators.addSchema(closed({ $id: 'document', components: { schemas } }) as AnySchemaObject);
  }

  /** `GET /api/v1/node` and so on, all operations of the document. */
  get operations(): readonly string[] {
    return Object.entries(this.#document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  /** Fails unless the document allows this response of the operation. Reads the body, except of event streams. */
  async check(operation: string, response: Response): Promise<void> {
    const [method = '', path = ''] = operation.split(' ');
    const told = this.#document.paths[path]?.[method.toLowerCase()] as unknown as Operation | undefined;
    assert.ok(told, `${operation} is not in the document`);
    this.called.add(operation);
    const type = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
    const place = `${operation} → ${response.status} ${type}`;
    const answer =
      told.responses[String(response.status)] ?? (response.status >= 400 ? told.responses['default'] : null);
    assert.ok(answer, `${place}: the document tells ${Object.keys(told.responses)}`);
    if (type === 'text/event-stream') return;
    const body = await response.text();
    if (answer.content === undefined || method === 'HEAD') {
      assert.equal(body, '', `${place} has a body that is not told`);
      return;
    }
    const media = answer.content[type];
    assert.ok(media, `${place}: the document tells ${Object.keys(answer.content)}`);
    if (media.schema !== undefined) this.#checkBody(media.schema, JSON.parse(body), place);
  }

  #checkBody(schema: object, body: unknown, place: string): void {
    const validate: ValidateFunction = this.#validators.compile(closed(pointedAt(schema)) as AnySchemaObject);
    const faults = validate(body) ? [] : validate.errors;
    assert.deepEqual(faults, [], `${place}: ${JSON.stringify(body).slice(0, 500)}`);
  }
}

/** References of the document, from within another schema. */
function pointedAt(schema: unknown): unknown {
  return replaced(schema, (one) =>
    typeof one['$ref'] === 'string' ? { ...one, $ref: one['$ref'].replace(/^#/, 'document#') } : one,
  );
}

/** No undocumented fields. */
function closed(schema: unknown): unknown {
  return replaced(schema, (one) =>
    typeof one['properties'] === 'object' && 'type' in one && !('additionalProperties' in one)
      ? { ...one, additionalProperties: false }
      : one,
  );
}

type Schema = Readonly<Record<string, unknown>>;

function replaced(schema: unknown, change: (one: Schema) => Schema): unknown {
  if (Array.isArray(schema)) return schema.map((one) => replaced(one, change));
  if (typeof schema !== 'object' || schema === null) return schema;
  const changed = change(schema as Schema);
  return Object.fromEntries(Object.entries(changed).map(([key, value]) => [key, replaced(value, change)]));
}
