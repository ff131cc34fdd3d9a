// Values that arrived as text, in CSV cells and form fields, as the schema's types say.

import type { AttributeType, TableDefinition } from '../../schema/index.ts';

/** A row of text as a record. What does not fit its type stays text, so that validation names it. */
export function typedRow(definition: TableDefinition, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const types = new Map(definition.attributes.map(({ name, type }) => [name, type]));
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const type = types.get(name);
      return [name, typeof value === 'string' && type ? typedText(type, value) : value];
    }),
  );
}

function typedText(type: AttributeType, text: string): unknown {
  if (type.kind === 'list' || type.kind === 'object') return parsed(text) ?? text;
  if (type.kind === 'relation') return text;
  switch (type.scalar) {
    case 'Int':
    case 'Long':
    case 'Float':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'BigInt':
      return /^[+-]?\d+$/.test(text) ? BigInt(text) : text;
    case 'Boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    default:
      return text;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
