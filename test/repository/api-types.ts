/** The types of the client, written from the OpenAPI document: what each operation takes and answers. */
import type { OpenApiDocument } from '../../src/api/open-api.ts';

export const answersPath = 'src/client/answers.ts';
export const operationsPath = 'src/client/operations.ts';

const origin = 'Written from the OpenAPI document by `npm run docs`; a test compares the two.';

/** Where the formatter breaks lines, less what stands around name and type. */
const maxColumns = 120 - 'readonly ?: ;'.length;

type Schema = Readonly<Record<string, unknown>>;

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { schema?: Schema }>>;
  };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema?: Schema }>> }>>;
}

export function answerTypes({ components }: OpenApiDocument): string {
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `export interface ${name} ${typeOf(schema as Schema, '')}\n`,
  );
  return `/** What a peer answers. ${origin} */\n\n${schemas.join('\n')}`;
}

export function operationTypes({ paths, components }: OpenApiDocument): string {
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => method !== 'head' && method !== 'options')
        .map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation as unknown as Operation] as const)
        .filter(([, operation]) => isPlain(operation))
        .map(([name, operation]) => operationText(name, operation)),
    )
    .join('');
  const used = Object.keys(components.schemas).filter((name) => new RegExp(`: ${name};`).test(operations));
  return `/** What a peer is asked. ${origin} */
import type {
${used
  .toSorted()
  .map((name) => `  ${name},\n`)
  .join('')}} from './answers.ts';

/** What takes JSON and answers with JSON or nothing; bytes and events are streams and are read as such. */
export interface Operations {
${operations}}
`;
}

/** Takes JSON or nothing, answers so, and needs no header of its own. */
function isPlain({ parameters = [], requestBody, responses }: Operation): boolean {
  const takesStream = requestBody !== undefined && requestBody.content['application/json'] === undefined;
  const needsHeader = parameters.some((one) => one.in === 'header' && one.required);
  return !takesStream && !needsHeader && answerOf(responses) !== null;
}

function operationText(name: string, { summary, parameters = [], requestBody, responses }: Operation): string {
  const given = (place: string): string => {
    const fields = parameters.filter((one) => one.in === place);
    if (fields.length === 0) return 'undefined';
    const lines = fields.map((one) => field(one.name, one.schema, one.required, '      '));
    return `{\n${lines.join('')}    }`;
  };
  const body = requestBody?.content['application/json']?.schema;
  const taken = body === undefined ? 'undefined' : typeOf(body, '    ');
  const lines = [
    `path: ${given('path')}`,
    `query: ${given('query')}`,
    `body: ${taken}`,
    `answer: ${answerOf(responses)}`,
  ];
  const comment = summary === undefined ? '' : `  /** ${summary} */\n`;
  return `${comment}  readonly '${name}': {\n${lines.map((line) => `    readonly ${line};\n`).join('')}  };\n`;
}

/** Null for what is neither JSON nor nothing. */
function answerOf(responses: Operation['responses']): string | null {
  const done = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1];
  if (done?.content === undefined) return 'undefined';
  const schema = done.content['application/json']?.schema;
  return schema === undefined ? null : typeOf(schema, '    ');
}

function typeOf(schema: Schema, indent: string): string {
  const { $ref, enum: values, type, items, properties, additionalProperties } = schema;
  if (typeof $ref === 'string') return $ref.split('/').at(-1) ?? 'unknown';
  if (Array.isArray(values)) return values.map((value) => `'${value}'`).join(' | ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one }, indent)).join(' | ');
  if (type === 'array') return `readonly ${listed(typeOf(items as Schema, indent))}[]`;
  if (type === 'integer') return 'number';
  if (type !== 'object') return typeof type === 'string' ? type : 'unknown';
  if (properties === undefined) {
    const of = typeof additionalProperties === 'object' ? typeOf(additionalProperties as Schema, indent) : 'unknown';
    return `Readonly<Record<string, ${of}>>`;
  }
  const required = new Set((schema['required'] ?? []) as readonly string[]);
  const fields = Object.entries(properties as Readonly<Record<string, Schema>>);
  return `{\n${fields.map(([name, of]) => field(name, of, required.has(name), `${indent}  `)).join('')}${indent}}`;
}

function field(name: string, schema: Schema, isRequired: boolean, indent: string): string {
  const { description } = schema;
  const comment = typeof description === 'string' ? `${indent}/** ${description} */\n` : '';
  const start = `${comment}${indent}readonly ${name}${isRequired ? '' : '?'}:`;
  const type = typeOf(schema, indent);
  if (type.includes('\n') || indent.length + name.length + type.length < maxColumns) return `${start} ${type};\n`;
  return `${start}${type
    .split(' | ')
    .map((one) => `\n${indent}  | ${one}`)
    .join('')};\n`;
}

function listed(type: string): string {
  return type.includes(' | ') && !type.startsWith('{') ? `(${type})` : type;
}
