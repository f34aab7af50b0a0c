// The page that outside readers go by says what the tables say.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { channelList } from './channels.ts';
import { protoFieldName } from './descriptor.ts';
import { cursorTable, InputKind, inputKindName, inputTable } from './input.ts';
import type { AnyTable } from './message.ts';

const page = readFileSync(new URL('../../docs/formats/event-log.md', import.meta.url), 'utf8');

/** `number type name` of each field, as the page lists them. */
function fieldsOf(table: AnyTable): string[] {
  return table.fields.map(({ number, name, type, repeated, packed }) => {
    const typeName = typeof type === 'string' ? type : type.name;
    return `${number} ${repeated && !packed ? 'repeated ' : ''}${typeName} ${protoFieldName(name)}`;
  });
}

describe('page on the event log', () => {
  it('lists every channel with every field as the tables have them', () => {
    const rows = page.split('\n').filter((line) => /^\| \d+ \| `/.test(line));
    assert.equal(rows.length, channelList.length);
    channelList.forEach((channel, position) => {
      const [, id, name, messageName, fields] = rows[position]!.split('|').map((cell) => cell.trim());
      assert.deepEqual([id, name, messageName], [`${channel.id}`, `\`${channel.name}\``, channel.table.name]);
      const listed = fields!.replace('; packed columns:', ',').split(', ');
      assert.deepEqual(listed, fieldsOf(channel.table));
    });
  });

  it('lists the fields and kinds of an input', () => {
    const text = page.replace(/\s+/g, ' ');
    for (const table of [inputTable, cursorTable]) {
      assert.ok(text.includes(`* ${table.name}: ${fieldsOf(table).join(', ')}.`), table.name);
    }
    const kinds = Object.values(InputKind).map((kind) => `${kind} ${inputKindName[kind].replace('-', ' ')}`);
    assert.ok(text.includes(`Kinds: ${kinds.join(', ')}.`));
  });
});
